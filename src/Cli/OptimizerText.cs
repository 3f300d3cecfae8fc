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
        string[] settings = [.. parameters.Select(parameter =>
            string.Create(CultureInfo.InvariantCulture, $"{parameter.Name} {type.GetProperty(parameter.Name!)!.GetValue(link)}"))];
        return settings.Length == 0 ? type.Name : $"{type.Name} ({string.Join(", ", settings)})";
    }
}
