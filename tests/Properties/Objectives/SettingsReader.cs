using System.Text.Json;
using GroupRL.Properties.Golden;

namespace GroupRL.Properties.Objectives;

/// <summary>A run's settings, each taken once: what is left over fails with a sentence.</summary>
internal sealed class SettingsReader
{
    private readonly string _where;
    private readonly Dictionary<string, GoldenNode> _left = [];

    /// <summary>A run's settings over defaults.</summary>
    public SettingsReader(GoldenNode? defaults, GoldenNode hyper)
    {
        _where = hyper.Where;
        foreach (var (key, value) in defaults is { Kind: JsonValueKind.Object } some ? some.Properties : [])
            _left[key] = value;
        foreach (var (key, value) in hyper.Properties)
            _left[key] = value;
    }

    /// <summary>A setting that must be there.</summary>
    public GoldenNode Take(string key) => _left.Remove(key, out var value)
        ? value
        : throw new InvalidDataException($"Golden file {_where} lacks the setting '{key}', and there is no default.");

    /// <summary>A setting that may be absent or null.</summary>
    public GoldenNode? TakeOrNull(string key) =>
        _left.Remove(key, out var value) && value.Kind != JsonValueKind.Null ? value : null;

    /// <summary>A finite number.</summary>
    public double Number(string key) => Finite(Take(key));

    /// <summary>A finite number, or null where it is absent or null.</summary>
    public double? NumberOrNull(string key) => TakeOrNull(key) is { } value ? Finite(value) : null;

    /// <summary>Settings that are there without an effect.</summary>
    public void Ignore(IEnumerable<string> keys)
    {
        foreach (string key in keys)
            _left.Remove(key);
    }

    /// <summary>Fails where a setting is left that nothing has read.</summary>
    public void AllAreRead()
    {
        if (_left.Count > 0)
            throw _left.First().Value.Bad($"is the setting '{_left.First().Key}', which nothing here reads");
    }

    /// <summary>The value, where it is a finite number.</summary>
    public static double Finite(GoldenNode value) =>
        double.IsFinite(value.Number) ? value.Number : throw value.Bad("must be a finite number");
}
