using System.Text.Json;
using GroupRL.Objectives;
using GroupRL.Properties.Golden;

namespace GroupRL.Properties.Objectives;

/// <summary>
/// The settings of a recorded run, each of which must be taken once: what is left over, or asks for something that the parts do not
/// express, fails with a sentence.
/// </summary>
internal abstract class StrictSettings
{
    private readonly string _where;
    private readonly Dictionary<string, GoldenNode> _left = [];

    /// <summary>A run's settings over the file's defaults.</summary>
    protected StrictSettings(GoldenNode? defaults, GoldenNode hyper)
    {
        _where = hyper.Where;
        foreach (var (key, value) in defaults is { Kind: JsonValueKind.Object } some ? some.Properties : [])
            _left[key] = value;
        foreach (var (key, value) in hyper.Properties)
            _left[key] = value;
    }

    /// <summary>A setting that stays to be taken; null where it is absent.</summary>
    protected GoldenNode? Peek(string key) => _left.TryGetValue(key, out var value) ? value : null;

    /// <summary>Settings without effect, listed by who calls.</summary>
    protected void Discard(params string[] inert)
    {
        foreach (string key in inert)
            _left.Remove(key);
    }

    /// <summary>The objective, if every setting was taken.</summary>
    protected SurrogateObjective Whole(SurrogateObjective objective) => _left.Count == 0
        ? objective
        : throw _left.First().Value.Bad($"is the setting '{_left.First().Key}', which nothing here reads");

    protected GoldenNode Take(string key) => _left.Remove(key, out var value)
        ? value
        : throw new InvalidDataException($"Golden file {_where} lacks the setting '{key}', and so do the file's defaults.");

    protected double Number(string key) => Finite(Take(key));

    protected double? NumberOrNull(string key) => Take(key) is { Kind: not JsonValueKind.Null } value ? Finite(value) : null;

    protected static double Finite(GoldenNode value) =>
        double.IsFinite(value.Number) ? value.Number : throw value.Bad("must be a finite number");

    protected void MustBe(string key, bool neutral)
    {
        if (Take(key) is var value && value.Flag != neutral)
            throw value.Bad($"cannot be expressed unless it is {(neutral ? "true" : "false")}");
    }

    protected void MustBe(string key, int neutral)
    {
        if (Take(key) is var value && value.Number != neutral)
            throw value.Bad($"cannot be expressed unless it is {neutral}");
    }

    protected void MustBe(string key, string neutral)
    {
        if (Take(key) is var value && value.Text != neutral)
            throw value.Bad($"cannot be expressed unless it is {neutral}");
    }
}
