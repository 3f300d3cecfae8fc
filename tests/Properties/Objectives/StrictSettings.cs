using System.Text.Json;
using GroupRL.Objectives;
using GroupRL.Properties.Golden;

namespace GroupRL.Properties.Objectives;

/// <summary>
/// Settings that are read as an objective: what is left over, or asks for something that the parts do not express, fails with a sentence.
/// </summary>
internal abstract class StrictSettings(GoldenNode? defaults, GoldenNode hyper)
{
    private readonly GoldenSettings _settings = new(hyper, defaults);

    /// <summary>A setting that stays to be taken; null where it is absent.</summary>
    protected GoldenNode? Peek(string key) => _settings.Peek(key);

    /// <summary>Settings without effect, listed by who calls.</summary>
    protected void Discard(params string[] inert) => _settings.Ignore(inert);

    /// <summary>The objective, if every setting was taken.</summary>
    protected SurrogateObjective Whole(SurrogateObjective objective)
    {
        _settings.End();
        return objective;
    }

    protected GoldenNode Take(string key) => _settings.Take(key);

    protected double Number(string key) => _settings.Number(key);

    protected double? NumberOrNull(string key) => Take(key) is { Kind: not JsonValueKind.Null } value ? GoldenSettings.Finite(value) : null;

    protected static double Finite(GoldenNode value) => GoldenSettings.Finite(value);

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
