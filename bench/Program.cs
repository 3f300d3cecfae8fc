using BenchmarkDotNet.Running;
using GroupRL.Bench.Peers;

if (args is ["peers", .. var options])
    return PeersCommand.Run(options);

// In this process: the measured assemblies are those that were just built, and nothing is generated or restored.
var summaries = BenchmarkSwitcher.FromAssembly(typeof(GroupRL.Bench.EvaluateBenchmarks).Assembly).Run([.. args, "--inProcess"]).ToArray();
bool measured = summaries.Length > 0 && summaries.All(summary => !summary.HasCriticalValidationErrors && summary.Reports.All(report => report.Success));
return measured ? 0 : 1;
