using System.Text.Json;
using System.Text.Json.Nodes;
using GroupRL.Objectives;
using GroupRL.Optimizers;

namespace GroupRL.Cli;

/// <summary><c>grouprl serve ID</c>: a catalogue entry behind a pipe, as any other loss or optimizer; answers line by line until the input ends.</summary>
internal sealed class ServeCommand(TextReader input, TextWriter output)
{
    /// <summary>Serves a loss.</summary>
    public int Run(Proposal proposal)
    {
        var of = Remembered(given => new ObjectiveLoss(proposal.Name, given is { } numbers ? Hyperparameters.Apply(proposal.Objective, numbers, "hyperparameters") : proposal.Objective));
        return Serve(
            $"{proposal.Name} is an objective and speaks {LossProtocol.Schema}",
            LossProtocol.Schema,
            () => LossProtocol.WriteHello(of(null).Signature, Catalogue.Find(proposal.Reference) is null ? null : proposal.Reference).ToJsonString(),
            (request, id) =>
            {
                var batch = LossProtocol.ReadBatch(request.Find("batch") ?? throw InvalidInputException.Because($"the request needs the field \"batch\", an object."));
                return LossProtocol.Answer(id, of(request.Find("hyperparameters")).Evaluate(batch), batch.Width);
            });
    }

    /// <summary>Serves an optimizer of vectors.</summary>
    public int Run(Optimizer optimizer)
    {
        OptimizerSource.OfVectors(optimizer);
        var of = Remembered(given => new CatalogueOptimizer(given is { } numbers ? OptimizerParameters.Apply(optimizer, numbers, "hyperparameters") : optimizer));
        return Serve(
            $"{optimizer.Id} is an optimizer and speaks {OptimizerProtocol.Schema}",
            OptimizerProtocol.Schema,
            () => OptimizerProtocol.WriteHello(optimizer),
            (request, id) =>
            {
                var (theta, gradients) = OptimizerProtocol.ReadRequest(request);
                return OptimizerProtocol.Answer(id, of(request.Find("hyperparameters")).Run(theta, gradients));
            });
    }

    private int Serve(string what, string schema, Func<string> hello, Func<Fields, JsonNode?, string> answer)
    {
        while (input.ReadLine() is { } line)
        {
            if (string.IsNullOrWhiteSpace(line))
                continue;
            output.Write(Reply(line) + "\n");
            output.Flush();
        }

        return ExitCode.Kept;

        string Reply(string line)
        {
            JsonNode? id = null;
            try
            {
                using var document = LossProtocol.Parse(line, "The request");
                var root = document.RootElement;
                if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("id", out var own))
                    id = JsonNode.Parse(own.GetRawText());
                var request = new Fields(root, "", "the request");
                if (request.Find("hello") is null)
                    return answer(request, id);
                return request.Text("schema", schema) is var greeted && greeted == schema ? hello() : throw InvalidInputException.Because($"{what}; got a greeting of {greeted}.");
            }
            catch (Exception error) when (error is ArgumentException or ArithmeticException)
            {
                // The library's arguments name their parameter behind the sentence.
                return new JsonObject { ["id"] = id, ["error"] = error.Message.Split(" (Parameter")[0] }.ToJsonString();
            }
        }
    }

    // Whoever asks with other numbers asks so many times.
    private static Func<JsonElement?, T> Remembered<T>(Func<JsonElement?, T> make)
    {
        var known = new Dictionary<string, T>();
        return given =>
        {
            string key = given?.GetRawText() ?? "";
            return known.TryGetValue(key, out var made) ? made : known[key] = make(given);
        };
    }
}
