using GroupRL.Cli;

var terminal = new Terminal(Console.Out, Console.Error, Console.IsOutputRedirected, Console.IsErrorRedirected);
return CommandLine.Run(args, terminal);
