using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using GroupRL.Objectives;
using GroupRL.Optimizers;

namespace GroupRL.Cli;

/// <summary>The numbers in an optimizer's links by the names that torch gives them; its pair <c>betas</c> is taken, too.</summary>
internal static class OptimizerParameters
{
    // Adafactor's eps is a pair; its second moment's decay is negative in torch, and its horizon the rate's.
    private static readonly ImmutableArray<Parameter> s_all =
    [
        Of<ScaleByLearningRate>("lr", link => link.Eta, (link, value) => link with { Eta = value }),
        Of<AddDecayedWeights>("weight_decay", link => link.Lambda, (link, value) => link with { Lambda = value }),
        Of<ClipByGlobalNorm>("max_norm", link => link.MaxNorm, (link, value) => link with { MaxNorm = value }),
        Of<Momentum>("momentum", link => link.Mu, (link, value) => link with { Mu = value }),
        Of<Momentum>("dampening", link => link.Dampening, (link, value) => link with { Dampening = value }),
        Of<ScaleByAdam>("beta1", link => link.Beta1, (link, value) => link with { Beta1 = value }),
        Of<ScaleByAdam>("beta2", link => link.Beta2, (link, value) => link with { Beta2 = value }),
        Of<ScaleByNAdam>("beta1", link => link.Beta1, (link, value) => link with { Beta1 = value }),
        Of<ScaleByNAdam>("beta2", link => link.Beta2, (link, value) => link with { Beta2 = value }),
        Of<ScaleByNAdam>("momentum_decay", link => link.MomentumDecay, (link, value) => link with { MomentumDecay = value }),
        Of<ScaleByRAdam>("beta1", link => link.Beta1, (link, value) => link with { Beta1 = value }),
        Of<ScaleByRAdam>("beta2", link => link.Beta2, (link, value) => link with { Beta2 = value }),
        Of<ScaleByAdamax>("beta1", link => link.Beta1, (link, value) => link with { Beta1 = value }),
        Of<ScaleByAdamax>("beta2", link => link.Beta2, (link, value) => link with { Beta2 = value }),
        Of<ScaleByLion>("beta1", link => link.Beta1, (link, value) => link with { Beta1 = value }),
        Of<ScaleByLion>("beta2", link => link.Beta2, (link, value) => link with { Beta2 = value }),
        Of<ScaleBySign>("momentum", link => link.Beta, (link, value) => link with { Beta = value }),
        Of<ScaleByRms>("alpha", link => link.Alpha, (link, value) => link with { Alpha = value }),
        Of<ScaleByRms>("momentum", link => link.Momentum, (link, value) => link with { Momentum = value }),
        Of<ScaleByAdagrad>("lr_decay", link => link.RateDecay, (link, value) => link with { RateDecay = value }),
        Of<ScaleByAdagrad>("initial_accumulator_value", link => link.InitialSum, (link, value) => link with { InitialSum = value }),
        Of<ScaleByAdadelta>("rho", link => link.Rho, (link, value) => link with { Rho = value }),
        Of<ScaleByAdafactor>("beta2_decay", link => -link.MomentDecay, (link, value) => link with { MomentDecay = -value }),
        Of<ScaleByAdafactor>("eps1", link => link.Epsilon, (link, value) => link with { Epsilon = value }),
        Of<ScaleByAdafactor>("eps2", link => link.SmallestScale, (link, value) => link with { SmallestScale = value }),
        Of<ScaleByAdafactor>("d", link => link.ClipThreshold, (link, value) => link with { ClipThreshold = value }),
        Of<ScaleByMuon>("momentum", link => link.Mu, (link, value) => link with { Mu = value }),
        new("eps", link => link is Guarded guarded and not ScaleByAdafactor ? guarded.Epsilon : null, (link, value) => (Guarded)link with { Epsilon = value }),
    ];

    /// <summary>Every number of an optimizer under its name, in the order of its links.</summary>
    public static ImmutableArray<(string Name, double Value)> Of(Optimizer optimizer) =>
        [.. optimizer.Chain.Reverse().SelectMany(link => s_all.Select(known => (known.Name, Value: known.Get(link)))).Where(found => found.Value is not null).Select(found => (found.Name, found.Value!.Value))];

    /// <summary>The same as an object.</summary>
    public static JsonObject ToJson(Optimizer optimizer) => new(Of(optimizer).Select(parameter => KeyValuePair.Create(parameter.Name, (JsonNode?)parameter.Value)));

    /// <summary>An optimizer with other numbers.</summary>
    /// <exception cref="InvalidInputException">A name that it has not, or a number that it may not have.</exception>
    public static Optimizer Apply(Optimizer optimizer, JsonElement parameters, string place)
    {
        if (parameters.ValueKind != JsonValueKind.Object)
            throw InvalidInputException.Because($"{place} must be an object of names and numbers; got {parameters.GetRawText()}.");
        foreach (var (name, value) in parameters.EnumerateObject().SelectMany(given => Pairs(given, place)))
            optimizer = With(optimizer, name, Fields.AsNumber(value, $"{place}.{name}"), place);
        return optimizer;
    }

    private static IEnumerable<(string Name, JsonElement Value)> Pairs(JsonProperty given, string place)
    {
        if (given.Name != "betas")
            return [(given.Name, given.Value)];
        return Fields.AsItems(given.Value, $"{place}.betas").ToArray() is [var first, var second]
            ? [("beta1", first), ("beta2", second)]
            : throw InvalidInputException.Because($"{place}.betas must be two numbers; got {given.Value.GetRawText()}.");
    }

    private static Optimizer With(Optimizer optimizer, string name, double value, string place)
    {
        if (Of(optimizer).All(parameter => parameter.Name != name))
            throw InvalidInputException.Because($"{place} has the unknown name \"{name}\"; those of {optimizer.Id} are {Nearest.List(name, Of(optimizer).Select(parameter => parameter.Name))}.");
        try
        {
            var changed = optimizer with
            {
                Chain = [.. optimizer.Chain.Select(link => s_all.FirstOrDefault(known => known.Name == name && known.Get(link) is not null) is { } known ? known.Set(link, value) : link)],
            };
            // torch's Adafactor slows down from where 1/√t is below its rate.
            return name == "lr" && value > 0
                ? changed with { Chain = [.. changed.Chain.Select(link => link is ScaleByAdafactor adafactor ? adafactor with { Horizon = 1 / (value * value) } : link)] }
                : changed;
        }
        catch (ArgumentException error)
        {
            throw InvalidInputException.Because($"{place}.{name}: {error.Message.Split(" (Parameter")[0].TrimEnd('.')}.");
        }
    }

    private static Parameter Of<T>(string name, Func<T, double> get, Func<T, double, Transform> set) where T : Transform =>
        new(name, link => link is T own ? get(own) : null, (link, value) => set((T)link, value));

    private sealed record Parameter(string Name, Func<Transform, double?> Get, Func<Transform, double, Transform> Set);
}
