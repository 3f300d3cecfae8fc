using System.Collections.Immutable;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.FSharp.Collections;
using Microsoft.FSharp.Core;

namespace GroupRL.Checking;

/// <summary>The one place that knows FsCheck: it sizes, runs, shrinks and replays.</summary>
internal static class FsCheckSeam
{
    public static Search<T> Check<T>(Domain<T> domain, Func<T, bool> holds, Func<T, bool> admitted, ReplayPoint from, int? cases)
    {
        var corners = domain.Corners;
        int[] reached = new int[corners.Length];
        int built = 0;
        bool failed = false;
        var generator = Gen.Sized(size => Gen.Two(Gen.Choose(int.MinValue, int.MaxValue))
            .Select(halves => domain.Build(new Draw(((ulong)(uint)halves.Item1 << 32) | (uint)halves.Item2, size))));
        var property = Prop.ForAll(Arb.From(generator, value => domain.Shrink(value).Where(admitted)), Holds);

        var runner = new Recorder();
        FsCheck.Check.One(
            Config.Quick
                .WithMaxTest(cases ?? 1)
                .WithReplay(new Replay(new Rnd(from.Seed, from.Gamma), cases is null ? from.Size : FSharpOption<int>.None))
                .WithRunner(runner),
            property);

        var counts = corners.Zip(reached).ToImmutableSortedDictionary(pair => pair.First.Name, pair => pair.Second, StringComparer.Ordinal);
        return new(built, runner.Result is TestResult.Failed result ? ToFailure<T>(result) : null, counts);

        // Shrinking calls this too, but only after a failure, and then there is nothing left to count.
        bool Holds(T value)
        {
            if (failed)
                return holds(value);
            built++;
            for (int k = 0; k < corners.Length; k++)
                reached[k] += corners[k].Contains(value) ? 1 : 0;
            bool kept = holds(value);
            failed = !kept;
            return kept;
        }
    }

    private static Failure<T> ToFailure<T>(TestResult.Failed result) => new(
        (T)result.Item2.Head,
        (T)result.Item3.Head,
        result.Item1.NumberOfShrinks,
        new(result.Item6.Seed, result.Item6.Gamma, result.Item7));

    /// <summary>Keeps the structured result, where FsCheck's own runner prints text.</summary>
    private sealed class Recorder : IRunner
    {
        public TestResult? Result { get; private set; }

        public void OnStartFixture(Type value)
        {
        }

        public void OnArguments(int value, FSharpList<object> args, FSharpFunc<int, FSharpFunc<FSharpList<object>, string>> every)
        {
        }

        public void OnShrink(FSharpList<object> value, FSharpFunc<FSharpList<object>, string> everyShrink)
        {
        }

        public void OnFinished(string value, TestResult testResult) => Result = testResult;
    }
}
