using GroupRL.Cli;

return CommandLine.Run(args, Terminal.OfProcess());
