namespace GroupRL.Properties.Golden;

/// <summary>A peer's settings, each of which is taken once: what is left over, or missing, fails with a sentence.</summary>
internal sealed class GoldenSettings
{
    private readonly string _where;
    private readonly Dictionary<string, GoldenNode> _left;

    /// <summary>The properties of an object.</summary>
    public GoldenSettings(GoldenNode settings) =>
        (_where, _left) = (settings.Where, settings.Properties.ToDictionary(property => property.Key, property => property.Value));

    /// <summary>A setting that must be there.</summary>
    public GoldenNode Take(string key) =>
        TakeOrNull(key) ?? throw new InvalidDataException($"Golden file {_where} lacks the setting '{key}'.");

    /// <summary>A setting, or null where it is absent.</summary>
    public GoldenNode? TakeOrNull(string key) => _left.Remove(key, out var value) ? value : null;

    /// <summary>A finite number.</summary>
    public double Number(string key) =>
        Take(key) is var value && double.IsFinite(value.Number) ? value.Number : throw value.Bad("must be a finite number");

    /// <summary>Fails unless every setting was taken.</summary>
    public void End()
    {
        foreach (var (key, value) in _left)
            throw value.Bad($"is the setting '{key}', which nothing here reads");
    }
}
