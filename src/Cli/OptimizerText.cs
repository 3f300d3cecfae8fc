using System.Globalization;
using GroupRL.Optimizers;

namespace GroupRL.Cli;

/// <summary>An optimizer's links with their settings, in order: what a formula leaves open.</summary>
internal static class OptimizerText
{
    /// <summary>"ScaleByAdam (Beta1 0.9, …), ScaleByLearningRate (Eta 0.001)".</summary>
    public static string Settings(Optimizer optimizer) => string.Join(", ", optimizer.Chain.Select(Link));

    // A link's settings are the parameters of its primary constructor, each of which is a property of the same name.
    private static string Link(Transform link)
    {
        var type = link.GetType();
        var parameters = type.GetConstructors().MaxBy(made => made.GetParameters().Length)!.GetParameters();
        // One that is not given is another setting's value.
        string[] settings = [.. parameters.Select(parameter => (parameter.Name, Value: type.GetProperty(parameter.Name!)!.GetValue(link)))
            .Where(setting => setting.Value is not null)
            .Select(setting => string.Create(CultureInfo.InvariantCulture, $"{setting.Name} {setting.Value}"))];
        return settings.Length == 0 ? type.Name : $"{type.Name} ({string.Join(", ", settings)})";
    }
}
