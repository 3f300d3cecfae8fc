using System.Collections.Concurrent;
using Xunit;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace GroupRL.Properties.Contracts;

/// <summary>Runs a test class as the runner of a user does.</summary>
internal static class Runner
{
    /// <summary>Display name → passed, skipped or failed, and why.</summary>
    public static IReadOnlyDictionary<string, string> Run(Type type)
    {
        var assembly = Reflector.Wrap(type.Assembly);
        var name = type.Assembly.GetName();
        using var source = new NoSource();
        using var sink = new Sink();
        using var discoverer = new XunitTestFrameworkDiscoverer(assembly, source, sink);
        discoverer.Find(type.FullName!, includeSourceInformation: false, sink, new Options());
        sink.Done.WaitOne();
        sink.Done.Reset();
        using var executor = new XunitTestFrameworkExecutor(name, source, sink);
        executor.RunTests(sink.Cases, sink, new Options());
        sink.Done.WaitOne();
        return sink.Results;
    }

    private sealed class Sink : LongLivedMarshalByRefObject, IMessageSink, IDisposable
    {
        public ManualResetEvent Done { get; } = new(false);

        public ConcurrentBag<ITestCase> Found { get; } = [];

        public IEnumerable<ITestCase> Cases => [.. Found];

        public ConcurrentDictionary<string, string> Results { get; } = [];

        public bool OnMessage(IMessageSinkMessage message)
        {
            switch (message)
            {
                case ITestCaseDiscoveryMessage found:
                    Found.Add(found.TestCase);
                    break;
                case ITestPassed passed:
                    Results[passed.Test.DisplayName] = "passed";
                    break;
                case ITestSkipped skipped:
                    Results[skipped.Test.DisplayName] = $"skipped: {skipped.Reason}";
                    break;
                case ITestFailed failed:
                    Results[failed.Test.DisplayName] = $"failed: {string.Join(' ', failed.Messages)}";
                    break;
                case IDiscoveryCompleteMessage or ITestAssemblyFinished:
                    Done.Set();
                    break;
            }

            return true;
        }

        public void Dispose() => Done.Dispose();
    }

    private sealed class NoSource : LongLivedMarshalByRefObject, ISourceInformationProvider
    {
        public ISourceInformation GetSourceInformation(ITestCase testCase) => new SourceInformation();

        public void Dispose()
        {
        }
    }

    private sealed class Options : LongLivedMarshalByRefObject, ITestFrameworkDiscoveryOptions, ITestFrameworkExecutionOptions
    {
        private readonly Dictionary<string, object?> _values = [];

        public TValue GetValue<TValue>(string name) => _values.TryGetValue(name, out object? value) ? (TValue)value! : default!;

        public void SetValue<TValue>(string name, TValue value) => _values[name] = value;
    }
}
