using System.Text.Json;
using System.Text.Json.Nodes;
using GroupRL.Objectives;
using GroupRL.Optimizers;

namespace GroupRL.Cli;

/// <summary>What an optimizer behind a pipe says of itself.</summary>
/// <param name="Name">What reports call it.</param>
/// <param name="Promises">What it promises; null where it does not say.</param>
/// <param name="Design">The optimizer of the catalogue that it is; null where it does not say.</param>
internal sealed record OptimizerHello(string Name, OptimizerPromises? Promises, Optimizer? Design);

/// <summary>A run to be made.</summary>
/// <param name="Theta">θ₀, shape [d].</param>
/// <param name="Gradients">g₁ … g_T, shape [T, d].</param>
internal sealed record OptimizerRequest(double[] Theta, double[][] Gradients);

/// <summary>Schema <c>grouprl-optimizer/1</c>: optimizers over lines of JSON, in both directions.</summary>
internal static class OptimizerProtocol
{
    /// <summary>The schema's name.</summary>
    public const string Schema = "grouprl-optimizer/1";

    /// <summary>A run as a request.</summary>
    public static string Request(long id, double[] theta, double[][] gradients, JsonObject hyperparameters) => LossProtocol.Line(json =>
    {
        json.WriteNumber("id", id);
        json.WritePropertyName("theta");
        WriteVector(json, theta);
        WriteVectors(json, "gradients", gradients);
        json.WritePropertyName("hyperparameters");
        hyperparameters.WriteTo(json);
    });

    /// <summary>The run of a request, for whoever serves one.</summary>
    public static OptimizerRequest ReadRequest(Fields fields)
    {
        double[] theta = Vector(fields.Find("theta") ?? throw InvalidInputException.Because($"the request needs the field \"theta\", an array of numbers."), "theta");
        double[][] gradients = Vectors(fields.Find("gradients") ?? throw InvalidInputException.Because($"the request needs the field \"gradients\", an array of arrays of numbers."), "gradients");
        int wrong = Array.FindIndex(gradients, gradient => gradient.Length != theta.Length);
        return wrong < 0 ? new(theta, gradients) : throw InvalidInputException.Because($"gradients[{wrong}] must have {theta.Length} numbers, as theta has; got {gradients[wrong].Length}.");
    }

    /// <summary>What a process says of itself.</summary>
    public static OptimizerHello ReadHello(JsonElement element, string fallbackName)
    {
        var fields = new Fields(element, "", "the answer to hello");
        if (fields.Find("error") is { } error)
            throw InvalidInputException.Because($"it refuses {Schema}: {error.ToString()}.");
        string name = fields.Text("name", fallbackName);
        string? design = fields.Find("catalogue") is { } id ? Fields.AsText(id, "catalogue") : null;
        OptimizerPromises? promises = fields.Find("promises") is { } words
            ? ReadPromises(Fields.AsItems(words, "promises").Select((word, k) => Fields.AsText(word, FormattableString.Invariant($"promises[{k}]"))), "promises")
            : null;
        return new(name, promises, design is null ? null : CommandLine.KnownOptimizer(design));
    }

    /// <summary>What an optimizer of the catalogue says of itself, as a process would.</summary>
    public static string WriteHello(Optimizer optimizer) => new JsonObject
    {
        ["name"] = optimizer.Id,
        ["catalogue"] = optimizer.Id,
        ["promises"] = new JsonArray([.. OptimizerPromiseNames.Of(optimizer).InWords().Select(word => (JsonNode?)word)]),
    }.ToJsonString();

    /// <summary>What words promise: <c>separable</c> makes a promise, <c>sound</c> all that are assumed, <c>-odd</c> takes one back.</summary>
    public static OptimizerPromises ReadPromises(IEnumerable<string> words, string place) => PromiseWords
        .Taken(words, [.. OptimizerPromiseNames.Words.Select(known => known.Word)], OptimizerPromises.Sound.InWords(), place)
        .Aggregate(OptimizerPromises.None, (all, word) => all | OptimizerPromiseNames.Words.First(known => known.Word == word).Promise);

    /// <summary>An answer's thetas, shape [T, d].</summary>
    /// <exception cref="InvalidInputException">There are none of that shape.</exception>
    public static double[][] ReadAnswer(JsonElement element, int steps, int dimension)
    {
        var fields = new Fields(element, "", "the answer");
        fields.Find("id");
        double[][] thetas = Vectors(fields.Find("thetas") ?? throw InvalidInputException.Because($"the answer needs the field \"thetas\", an array of {steps} arrays of numbers."), "thetas");
        if (thetas.Length == steps && thetas.All(theta => theta.Length == dimension))
            return thetas;
        string shape = thetas.Select(theta => theta.Length).Distinct().ToArray() is [var one] ? FormattableString.Invariant($"{thetas.Length} of {one}") : FormattableString.Invariant($"{thetas.Length} of different lengths");
        throw InvalidInputException.Because($"thetas must be {steps} arrays of {dimension} numbers, one after each gradient; got {shape}.");
    }

    /// <summary>An answer.</summary>
    public static string Answer(JsonNode? id, double[][] thetas) => LossProtocol.Line(json =>
    {
        LossProtocol.WriteId(json, id);
        WriteVectors(json, "thetas", thetas);
    });

    private static double[][] Vectors(JsonElement value, string place) =>
        [.. Fields.AsItems(value, place).Select((item, t) => Vector(item, FormattableString.Invariant($"{place}[{t}]")))];

    private static double[] Vector(JsonElement value, string place) =>
        [.. Fields.AsItems(value, place).Select((item, j) => LossProtocol.Number(item, FormattableString.Invariant($"{place}[{j}]")))];

    private static void WriteVectors(Utf8JsonWriter json, string field, double[][] vectors)
    {
        json.WriteStartArray(field);
        foreach (double[] vector in vectors)
            WriteVector(json, vector);
        json.WriteEndArray();
    }

    private static void WriteVector(Utf8JsonWriter json, double[] vector)
    {
        json.WriteStartArray();
        foreach (double value in vector)
            LossProtocol.WriteNumber(json, value);
        json.WriteEndArray();
    }
}
