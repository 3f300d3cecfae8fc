namespace GroupRL.Cli;

/// <summary>A process that did not keep the protocol: no verdict can be had of it. The message is one sentence for a user.</summary>
internal sealed class BrokenProcessException(string message) : Exception(message);
