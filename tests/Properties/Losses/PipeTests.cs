using System.Text.Json;
using GroupRL.Checking;
using GroupRL.Cli;
using GroupRL.Objectives;
using Xunit;
using Grouprl = GroupRL.Properties.Cli.Grouprl;

namespace GroupRL.Properties.Losses;

/// <summary>The protocol of losses, in both directions.</summary>
public sealed class PipeTests : IDisposable
{
    private readonly Grouprl _grouprl = new();

    public static TheoryData<string> Entries => [.. Catalogue.All.Select(entry => entry.Id)];

    /// <summary>Of the entries that trainers ship, one for each list of fields that requests may have.</summary>
    public static TheoryData<string> Shipped => [.. Catalogue.All.Where(entry => entry.Id.StartsWith("trl:", StringComparison.Ordinal) || entry.Id.StartsWith("verl:", StringComparison.Ordinal))
        .DistinctBy(entry => new ObjectiveLoss("", entry.Objective).Signature is var own ? (string.Join(' ', own.Reads), own.Rewards, own.GreedyRewards, own.Capabilities) : default)
        .Select(entry => entry.Id)];

    /// <summary>Arguments by which this very build serves an entry.</summary>
    internal static string Serving(string id) => $"\"{Path.Combine(AppContext.BaseDirectory, "grouprl")}\" serve {id}";

    [Theory]
    [MemberData(nameof(Shipped))]
    public void A_served_entry_keeps_the_contract_through_its_pipe(string id)
    {
        var (exit, output, error) = _grouprl.Run("falsify", "--command", Serving(id), "--fail-on", "contract", "--cases", "25", "--out", _grouprl.Path_("out"));

        Assert.True(exit is 0 or 3, $"{error}{output}");
        Assert.DoesNotContain("refuted", output.Split("theory:")[0], StringComparison.Ordinal);
        Assert.Contains("batches answered", output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_process_answers_what_the_entry_that_it_serves_is_to_the_bit()
    {
        using var piped = new PipedLoss(new(Serving("trl:dapo"), TimeSpan.FromSeconds(20), 2, _grouprl.Path_("out")), []);
        var own = new ObjectiveLoss("trl:dapo", Catalogue.Find("trl:dapo")!.Objective);
        foreach (var batch in Batches(own))
            AssertSame(own.Evaluate(batch), piped.Evaluate(batch));
        AssertSame(own.Signature, piped.Signature);
    }

    [Theory]
    [MemberData(nameof(Entries))]
    public void A_served_entry_answers_what_the_entry_is_to_the_bit(string id)
    {
        var own = new ObjectiveLoss(id, Catalogue.Find(id)!.Objective);
        var batches = Batches(own).ToArray();
        using var input = new StringReader(string.Join('\n', [LossProtocol.Hello(LossProtocol.Schema), .. batches.Select((batch, k) => LossProtocol.Request(k, batch, []))]));
        using var output = new StringWriter();

        new ServeCommand(input, output).Run(Proposal.Resolve(id));

        using var lines = new StringReader(output.ToString());
        using var hello = LossProtocol.Parse(lines.ReadLine()!, "it");
        AssertSame(own.Signature, LossProtocol.ReadHello(hello.RootElement, ""));
        foreach (var batch in batches)
        {
            using var answer = LossProtocol.Parse(lines.ReadLine()!, "it");
            AssertSame(own.Evaluate(batch), LossProtocol.ReadAnswer(answer.RootElement, batch));
        }
    }

    [Fact]
    public void A_request_reads_back_as_the_batch_it_was_written_from()
    {
        var batch = PaddedBatch.Of(new RolloutDomain { Reads = [Column.Entropy, Column.Value], RewardCount = 2, GreedyRewards = true }.Build(new(7, 80)), new() { Filler = (_, _, _) => double.PositiveInfinity });
        batch = batch with { FrozenLogps = batch[Column.OldLogp], Accumulation = [1, batch.Rows - 1] };
        using var document = JsonDocument.Parse(LossProtocol.Request(3, batch, []));

        var read = LossProtocol.ReadBatch(document.RootElement.GetProperty("batch"));

        Assert.Equal(3, document.RootElement.GetProperty("id").GetInt32());
        Assert.Equal(batch.Mask, read.Mask);
        Assert.Equal(batch.Tokens, read.Tokens);
        Assert.Equal(batch.Groups, read.Groups);
        Assert.Equal(batch.Rewards, read.Rewards);
        Assert.Equal(batch.GreedyRewards, read.GreedyRewards);
        Assert.Equal(batch.FrozenLogps, read.FrozenLogps);
        Assert.True(batch.Accumulation.SequenceEqual(read.Accumulation));
        Assert.All(Columns.All, column => Assert.Equal(batch[column], read[column]));
    }

    [Theory]
    [InlineData("""{"id":1,"loss":NaN,"grad":[[Infinity,-Infinity]]}""")]
    [InlineData("""{"id":1,"loss":"NaN","grad":[["Infinity","-Infinity"]]}""")]
    [InlineData("""{"id":1,"note":"NaN \" -Infinity","loss":NaN,"grad":[[1e999,-1e999]]}""")]
    public void Numbers_that_JSON_has_no_form_for_are_read_bare_and_as_text(string line)
    {
        var batch = PaddedBatch.Of(RolloutBatch.Of([[new Rollout { Reward = 1, Logps = [-1, -1], OldLogps = [-1, -1] }]]));
        using var document = LossProtocol.Parse(line, "it");

        var answer = LossProtocol.ReadAnswer(document.RootElement, batch);

        Assert.Equal(double.NaN, answer.Loss);
        Assert.Equal([double.PositiveInfinity, double.NegativeInfinity], answer.Gradient);
    }

    [Fact]
    public void A_server_refuses_what_it_cannot_answer_and_goes_on()
    {
        using var output = new StringWriter();
        using var input = new StringReader(
            """
            {"schema":"grouprl-loss/1","hello":true}
            nonsense
            {"id":1}
            {"id":2,"batch":{"logps":[[-1]],"old_logps":[[-1]],"mask":[[1]],"rewards":[1],"groups":[0]},"hyperparameters":{"clip.lo":0.1}}
            {"id":3,"batch":{"logps":[[-1],[-1]],"old_logps":[[-1],[-1]],"mask":[[1],[1]],"rewards":[1,0],"groups":[4,4]},"hyperparameters":{"epsilon":1}}
            """);

        int exit = new ServeCommand(input, output).Run(Proposal.Resolve("trl:grpo"));

        string[] lines = output.ToString().Trim().Split('\n');
        Assert.Equal(0, exit);
        Assert.Equal(5, lines.Length);
        Assert.Contains("\"name\":\"trl:grpo\"", lines[0], StringComparison.Ordinal);
        Assert.Contains("not valid JSON", lines[1], StringComparison.Ordinal);
        Assert.Contains("batch", lines[2], StringComparison.Ordinal);
        Assert.Contains("unknown name \\u0022clip.lo\\u0022", lines[3], StringComparison.Ordinal);
        // (1 − ½)/(√½ + 1), over two rows.
        using var answer = JsonDocument.Parse(lines[4]);
        Assert.Equal(-0.5 / (Math.Sqrt(0.5) + 1) / 2, answer.RootElement.GetProperty("grad")[0][0].GetDouble(), 1e-15);
    }

    [Theory]
    [InlineData("group-isolation,clip=0.8..1.2", "unknown word \"group-isolation\"; known are group-isolated")]
    [InlineData("cap=3", "declares a cap or a dual clip without clip=LOW..HIGH")]
    [InlineData("clip=a..2", "\"a\" is no number")]
    public void A_promise_that_is_none_is_refused(string promises, string words) =>
        _grouprl.Refuses(["falsify", "--command", Serving("grpo"), "--promises", promises, "--out", _grouprl.Path_("out")], words);

    [Theory]
    [InlineData("--timeout", "0", "--timeout must be a number of seconds above 0; got 0")]
    [InlineData("--jobs", "0", "--jobs must be at least 1; got 0")]
    [InlineData("--precision", "bfloat16", "--precision must be float64 or float32; got \"bfloat16\"")]
    [InlineData("--fail-on", "all", "--fail-on must be contract, theory or any; got \"all\"")]
    [InlineData("--hyperparameters", "[1]", "--hyperparameters must be an object")]
    [InlineData("--like", "trl:dapoo", "neither a file nor an objective of the catalogue: trl:dapo")]
    public void An_option_out_of_range_is_refused(string option, string value, string words) =>
        _grouprl.Refuses(["falsify", "--command", Serving("grpo"), option, value, "--out", _grouprl.Path_("out")], words);

    [Fact]
    public void A_file_and_a_command_exclude_each_other() =>
        _grouprl.Refuses(["falsify", "mine.json", "--command", "true"], "FILE and --command exclude each other");

    public void Dispose() => _grouprl.Dispose();

    // What stands at masked places is no number, and batches come whole, in micro-batches, on devices and with terms that stand elsewhere, in turn.
    private static IEnumerable<PaddedBatch> Batches(ObjectiveLoss loss)
    {
        var domain = new RolloutDomain
        {
            Reads = [Column.RefLogp, Column.RolloutLogp, Column.Entropy, .. loss.Signature.Reads],
            RewardCount = loss.Signature.Rewards,
            GreedyRewards = loss.Signature.GreedyRewards,
            DeadRows = Presence.Never,
            LeastTokens = 2,
        };
        for (ulong seed = 0; seed < 50; seed++)
        {
            var batch = PaddedBatch.Of(domain.Build(new(seed, 60)), new() { ExtraColumns = 1, Filler = (_, row, column) => row == column ? double.NaN : double.NegativeInfinity });
            yield return (seed % 4) switch
            {
                1 when loss.Signature.Capabilities.HasFlag(LossCapabilities.Accumulation) => batch with { Accumulation = [1, batch.Rows - 1] },
                2 when loss.Signature.Capabilities.HasFlag(LossCapabilities.Devices) => batch with { Devices = [batch.Rows - 1, 1] },
                3 => batch with { FrozenLogps = batch[Column.OldLogp] },
                _ => batch,
            };
        }
    }

    private static void AssertSame(LossAnswer own, LossAnswer served)
    {
        Assert.Equal(own.Loss, served.Loss);
        Assert.Equal(own.Gradient, served.Gradient);
    }

    private static void AssertSame(LossSignature own, LossSignature served)
    {
        Assert.Equal(own.Promises, served.Promises);
        Assert.Equal(own.Clip, served.Clip);
        Assert.Equal(own.Capabilities, served.Capabilities);
        Assert.Equal(own.Design, served.Design);
        Assert.True(own.Reads.SequenceEqual(served.Reads));
        Assert.Equal((own.Maximise, own.Rewards, own.GreedyRewards), (served.Maximise, served.Rewards, served.GreedyRewards));
    }
}
