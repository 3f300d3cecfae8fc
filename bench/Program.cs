using BenchmarkDotNet.Running;

BenchmarkSwitcher.FromAssembly(typeof(GroupRL.Bench.EvaluateBenchmarks).Assembly).Run(args);
