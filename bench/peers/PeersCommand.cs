using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.Intrinsics;
using GroupRL.Claims;
using GroupRL.Objectives;
using MathNet.Numerics.Statistics;
using Spectre.Console;

namespace GroupRL.Bench.Peers;

/// <summary>
/// PyTorch and Hypothesis beside ours, in one run: each round measures one and then the other on the same data, so that a ratio is one of the same moment. That the
/// losses and gradients are the same is checked first, and the run ends with 1 where they are not; what is fast enough is printed, never asserted.
/// </summary>
internal static class PeersCommand
{
    // Long enough for the runtime to compile in earnest what is called again and again.
    private static readonly TimeSpan s_warmUp = TimeSpan.FromSeconds(0.7);

    // What is to be reached: times PyTorch thread for thread, times Hypothesis, and the largest growth of the cost of a token.
    private const double Kernels = 5;
    private const double Cases = 100;
    private const double Growth = 1.5;

    private static readonly Option<int> s_rounds = new("--rounds") { Description = "Rounds of each measurement.", DefaultValueFactory = _ => 21 };
    private static readonly Option<int> s_tokens = new("--tokens") { Description = "Tokens of the batch that both evaluate.", DefaultValueFactory = _ => 1 << 20 };
    private static readonly Option<int> s_length = new("--length") { Description = "Tokens of a completion.", DefaultValueFactory = _ => 4096 };
    private static readonly Option<int> s_largest = new("--largest") { Description = "Tokens of the largest batch of the growth of costs.", DefaultValueFactory = _ => 100_000_000 };
    private static readonly Option<int> s_examples = new("--examples") { Description = "Examples of the property.", DefaultValueFactory = _ => 1000 };

    /// <summary>Runs <c>peers</c> with its options.</summary>
    public static int Run(string[] args)
    {
        var command = new RootCommand("PyTorch and Hypothesis beside ours.") { s_rounds, s_tokens, s_length, s_largest, s_examples };
        command.SetAction(parsed => Measure(parsed));
        return command.Parse(args).Invoke();
    }

    private static int Measure(ParseResult options)
    {
        var console = AnsiConsole.Create(new() { ColorSystem = System.Console.IsOutputRedirected ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect });
        if (System.Console.IsOutputRedirected)
            console.Profile.Width = 200;
        try
        {
            using var peer = PeerProcess.Start(Path.Combine(AppContext.BaseDirectory, "peers", "peers.py"));
            using var shared = new PeerBatch(KernelCases.Batch(options.GetValue(s_tokens), options.GetValue(s_length)), peer);
            int rounds = options.GetValue(s_rounds);
            console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"PyTorch {peer.Greeting["torch"]}, Hypothesis {peer.Greeting["hypothesis"]}; .NET {Environment.Version}, {Vectors()}; {Environment.ProcessorCount} cores; {shared.Batch.Rows} × {shared.Batch.Length(0)} tokens, {rounds} rounds"));

            var table = Table("loss and gradient", "threads", "PyTorch M tokens/s", "ours M tokens/s", "ratio", "quartiles", $"at least {Kernels}");
            foreach (var (name, objective) in KernelCases.All)
                table.AddRow(Row(name, 1, Rounds(peer, shared, name, objective, 1, rounds), 1e6, Kernels));
            if (Environment.ProcessorCount > 1)
                table.AddRow(Row(KernelCases.All[0].Name, 2, Rounds(peer, shared, KernelCases.All[0].Name, KernelCases.All[0].Objective, 2, rounds), 1e6, Kernels));
            console.Write(table);

            table = Table("property", "threads", "Hypothesis cases/s", "ours cases/s", "ratio", "quartiles", $"at least {Cases}");
            table.AddRow(Row("prefix-neutrality of Dr. GRPO", 1, Property(peer, options.GetValue(s_examples), rounds), 1, Cases));
            console.Write(table);
            console.Write(Sizes(options.GetValue(s_tokens), options.GetValue(s_largest), options.GetValue(s_length), rounds));
            return 0;
        }
        catch (PeerException error)
        {
            System.Console.Error.WriteLine(error.Message);
            return 2;
        }
        catch (DisagreementException error)
        {
            System.Console.Error.WriteLine(error.Message);
            return 1;
        }
    }

    private static string Vectors() =>
        Vector512.IsHardwareAccelerated ? "vectors of 512 bits" : Vector256.IsHardwareAccelerated ? "vectors of 512 bits in two halves" : "vectors of 512 bits in pieces";

    // Things a second of both, round by round.
    private static (double[] Theirs, double[] Ours) Rounds(PeerProcess peer, PeerBatch shared, string name, SurrogateObjective objective, int threads, int rounds)
    {
        var batch = shared.Batch;
        var vectors = new VectorEvaluator(objective);
        var coefficients = new double[batch.Tokens];
        double value = vectors.Evaluate(batch, coefficients, threads);
        for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < s_warmUp;)
            vectors.Evaluate(batch, coefficients, threads);
        double loss = (double)shared.Evaluate(peer, name, threads)["loss"]!;
        Compare(name, -value, loss, coefficients, shared.Gradient(peer));

        double[] theirs = new double[rounds], ours = new double[rounds];
        for (int k = 0; k < rounds; k++)
        {
            theirs[k] = batch.Tokens / (double)shared.Evaluate(peer, name, threads)["seconds"]!;
            ours[k] = batch.Tokens / Seconds(() => vectors.Evaluate(batch, coefficients, threads));
        }

        return (theirs, ours);
    }

    private static void Compare(string name, double ours, double theirs, double[] coefficients, double[] gradient)
    {
        double largest = coefficients.Max(Math.Abs), gap = coefficients.Zip(gradient, (c, g) => Math.Abs(c + g)).Max();
        // Losses may cancel to nothing, so they are compared beside the size of a token's term.
        if (!(gap <= 1e-9 * largest && Math.Abs(ours - theirs) <= 1e-9 * Math.Max(Math.Abs(ours), 1)))
            throw new DisagreementException(FormattableString.Invariant($"{name}: the losses are {ours:R} and {theirs:R}, and gradients differ by {gap:R} where the largest is {largest:R}."));
    }

    private static (double[] Theirs, double[] Ours) Property(PeerProcess peer, int examples, int rounds)
    {
        double[] theirs = new double[rounds], ours = new double[rounds];
        var profile = new Claims.Profile(examples);
        Prefix.Neutrality.Judge(Catalogue.DrGrpo, "dr-grpo", new Claims.Profile(20_000));
        for (int k = 0; k < rounds; k++)
        {
            var answer = peer.Ask(new() { ["do"] = "property", ["examples"] = examples });
            theirs[k] = (int)answer["cases"]! / (double)answer["seconds"]!;
            ours[k] = examples / Seconds(() => Prefix.Neutrality.Judge(Catalogue.DrGrpo, "dr-grpo", profile));
        }

        return (theirs, ours);
    }

    // How the cost of a token grows with the batch, GRPO with its penalty.
    private static Table Sizes(int smallest, int largest, int length, int rounds)
    {
        var vectors = new VectorEvaluator(KernelCases.All[0].Objective);
        var table = Table("tokens of grpo-k3", "ns a token", "beside the first", $"at most {Growth}");
        double first = 0;
        for (long tokens = smallest; tokens <= largest; tokens = tokens < largest ? Math.Min(10 * tokens, largest) : long.MaxValue)
        {
            var batch = KernelCases.Batch(tokens, length, distinct: 8);
            var coefficients = new double[batch.Tokens];
            vectors.Evaluate(batch, coefficients);
            double cost = Enumerable.Range(0, rounds).Select(_ => Seconds(() => vectors.Evaluate(batch, coefficients)) / batch.Tokens).Median();
            first = first == 0 ? cost : first;
            table.AddRow(Text($"{batch.Tokens:N0}"), Text($"{cost * 1e9:F2}"), Text($"{cost / first:F2}"), cost <= Growth * first ? "met" : "not met");
        }

        return table;
    }

    private static string[] Row(string name, int threads, (double[] Theirs, double[] Ours) rates, double unit, double wanted)
    {
        double[] ratios = [.. rates.Ours.Zip(rates.Theirs, (ours, theirs) => ours / theirs)];
        return
        [
            name, Text($"{threads}"), Text($"{rates.Theirs.Median() / unit:N0}"), Text($"{rates.Ours.Median() / unit:N0}"), Text($"{ratios.Median():F1}"),
            Text($"{ratios.LowerQuartile():F1} to {ratios.UpperQuartile():F1}"), ratios.Median() >= wanted ? "met" : "not met",
        ];
    }

    // The mean of as many runs as take a fiftieth of a second.
    private static double Seconds<T>(Func<T> run)
    {
        long start = Stopwatch.GetTimestamp();
        int runs = 0;
        do
        {
            run();
            runs++;
        }
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < 0.02);
        return Stopwatch.GetElapsedTime(start).TotalSeconds / runs;
    }

    private static Table Table(params string[] columns)
    {
        var table = new Table { Border = TableBorder.Markdown };
        foreach (string column in columns)
            table.AddColumn(new TableColumn(column) { NoWrap = true });
        return table;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private sealed class DisagreementException(string message) : Exception(message);
}
