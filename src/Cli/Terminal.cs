using System.Diagnostics;
using System.Runtime.ExceptionServices;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace GroupRL.Cli;

/// <summary>Where output goes: styled on a terminal, plain text elsewhere.</summary>
internal sealed class Terminal
{
    // Wide enough that no line of a report is folded where there is no window to fit into.
    private const int PlainWidth = 4000;

    // What is beside it fits into 80 columns then.
    private const int BarWidth = 16;

    private static readonly TimeSpan BetweenReports = TimeSpan.FromSeconds(5);

    private readonly bool _plainError;

    public Terminal(TextWriter output, TextWriter error, bool plainOutput, bool plainError)
    {
        (Output, Error, Plain, _plainError) = (output, error, plainOutput, plainError);
        Console = AnsiConsole.Create(new()
        {
            Out = new AnsiConsoleOutput(output),
            Ansi = plainOutput ? AnsiSupport.No : AnsiSupport.Detect,
            ColorSystem = plainOutput ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect,
        });
        if (plainOutput)
            Console.Profile.Width = PlainWidth;
    }

    /// <summary>The console of this process.</summary>
    public static Terminal OfProcess() => new(System.Console.Out, System.Console.Error, System.Console.IsOutputRedirected, System.Console.IsErrorRedirected);

    /// <summary>Where results go.</summary>
    public TextWriter Output { get; }

    /// <summary>Where errors and progress go.</summary>
    public TextWriter Error { get; }

    /// <summary>Whether the output is no terminal.</summary>
    public bool Plain { get; }

    /// <summary>The styled form of <see cref="Output"/>.</summary>
    public IAnsiConsole Console { get; }

    /// <summary>An empty table: framed on a terminal, columns of text elsewhere.</summary>
    public Table Table(params string[] columns)
    {
        var table = new Table { Border = Plain ? TableBorder.None : TableBorder.Rounded };
        foreach (string column in columns)
            table.AddColumn(new TableColumn(Markup.Escape(column)) { NoWrap = Plain, Padding = Plain ? new Padding(0, 0, 2, 0) : new Padding(1, 0) });
        return table;
    }

    /// <summary>Writes a table; as plain text indented under its heading, without the blanks that pad its last column.</summary>
    public void Write(Table table)
    {
        if (!Plain)
        {
            Console.Write(table);
            return;
        }

        using var text = new StringWriter();
        var plain = new Terminal(text, TextWriter.Null, plainOutput: true, plainError: true);
        plain.Console.Write(table);
        foreach (string line in text.ToString().TrimEnd().Split('\n'))
            Output.WriteLine($"  {line.TrimEnd()}");
    }

    /// <summary>
    /// Maps items to results on all cores, in order, and reports how far it is, how fast it goes and how long it still takes: a bar on a terminal,
    /// a line now and then elsewhere.
    /// </summary>
    /// <param name="what">What is done.</param>
    /// <param name="unit">What an item is, in the plural.</param>
    /// <param name="items">The items.</param>
    /// <param name="map">What is done to each.</param>
    /// <param name="jobs">How many at once; −1: as many as there are cores, 1: one after another, in order.</param>
    /// <param name="cases">How many cases a result has checked; null where it is about none.</param>
    public IReadOnlyList<TResult> Progress<T, TResult>(string what, string unit, IReadOnlyList<T> items, Func<T, TResult> map, int jobs = -1, Func<TResult, int>? cases = null)
    {
        var results = new TResult[items.Count];
        var clock = Stopwatch.StartNew();
        var pace = new Pace(unit, 0, items.Count, TimeSpan.Zero);
        if (_plainError)
        {
            var reported = TimeSpan.Zero;
            ForAll(() =>
            {
                if (pace.Elapsed - reported < BetweenReports)
                    return;
                reported = pace.Elapsed;
                Error.WriteLine($"{what}: {pace}");
            });
        }
        else
        {
            AnsiConsole.Create(new() { Out = new AnsiConsoleOutput(Error) }).Progress()
                .Columns(new TaskDescriptionColumn(), new ProgressBarColumn { Width = BarWidth }, new PercentageColumn(), new PaceColumn(() => pace))
                .AutoClear(true).HideCompleted(true).Start(progress =>
                {
                    var bar = progress.AddTask(Markup.Escape(what), maxValue: items.Count);
                    ForAll(() => bar.Increment(1));
                });
        }

        return results;

        void ForAll(Action report)
        {
            for (int k = 0; jobs == 1 && k < items.Count; k++)
                Do(k, report);
            if (jobs == 1)
                return;
            try
            {
                Parallel.For(0, items.Count, new ParallelOptions { MaxDegreeOfParallelism = jobs }, k => Do(k, report));
            }
            catch (AggregateException errors)
            {
                ExceptionDispatchInfo.Throw(errors.InnerExceptions[0]);
            }
        }

        void Do(int k, Action report)
        {
            results[k] = map(items[k]);
            lock (clock)
            {
                pace = pace with { Done = pace.Done + 1, Elapsed = clock.Elapsed, Cases = pace.Cases + (cases?.Invoke(results[k]) ?? 0) };
                report();
            }
        }
    }

    /// <summary>Rate and time left beside a bar.</summary>
    private sealed class PaceColumn(Func<Pace> pace) : ProgressColumn
    {
        /// <inheritdoc/>
        protected override bool NoWrap => true;

        /// <inheritdoc/>
        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) => new Text(pace().Speed);
    }
}
