using System.Text.Json;

namespace GroupRL.Properties.Golden;

/// <summary>A peer's settings, each of which is taken once: what is left over, or missing, fails with a sentence.</summary>
internal sealed class GoldenSettings
{
    private readonly string _where;
    private readonly Dictionary<string, GoldenNode> _left = [];

    /// <summary>The properties of an object, over those of <paramref name="defaults"/>.</summary>
    public GoldenSettings(GoldenNode settings, GoldenNode? defaults = null)
    {
        _where = settings.Where;
        foreach (var (key, value) in defaults is { Kind: JsonValueKind.Object } some ? some.Properties : [])
            _left[key] = value;
        foreach (var (key, value) in settings.Properties)
            _left[key] = value;
    }

    /// <summary>A setting that must be there.</summary>
    public GoldenNode Take(string key) => _left.Remove(key, out var value)
        ? value
        : throw new InvalidDataException($"Golden file {_where} lacks the setting '{key}', and there is no default.");

    /// <summary>A setting, or null where it is absent or null.</summary>
    public GoldenNode? TakeOrNull(string key) => _left.Remove(key, out var value) && value.Kind != JsonValueKind.Null ? value : null;

    /// <summary>A setting that stays to be taken; null where it is absent.</summary>
    public GoldenNode? Peek(string key) => _left.TryGetValue(key, out var value) ? value : null;

    /// <summary>A finite number.</summary>
    public double Number(string key) => Finite(Take(key));

    /// <summary>A finite number, or null where it is absent or null.</summary>
    public double? NumberOrNull(string key) => TakeOrNull(key) is { } value ? Finite(value) : null;

    /// <summary>Settings that are there without an effect, listed by who calls.</summary>
    public void Ignore(params IEnumerable<string> keys)
    {
        foreach (string key in keys)
            _left.Remove(key);
    }

    /// <summary>Fails unless every setting was taken.</summary>
    public void End()
    {
        foreach (var (key, value) in _left)
            throw value.Bad($"is the setting '{key}', which nothing here reads");
    }

    /// <summary>The value, where it is a finite number.</summary>
    public static double Finite(GoldenNode value) =>
        double.IsFinite(value.Number) ? value.Number : throw value.Bad("must be a finite number");
}
