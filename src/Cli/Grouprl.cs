using GroupRL.Objectives;
using GroupRL.Optimizers;

namespace GroupRL.Cli;

/// <summary>
/// The command <c>grouprl falsify</c> for a program that holds what is to be judged, as a single file does:
/// <c>return Grouprl.Falsify(args, new MyLoss());</c>
/// </summary>
/// <remarks>
/// The options are those of <c>grouprl falsify</c>, less those that name another subject; <c>--replay TOKEN</c> and
/// <c>--check CLAIM --batch FILE</c> stand for the commands of these names. What is wrong with them ends in a sentence, never in an exception.
/// </remarks>
public static class Grouprl
{
    /// <summary>Judges a loss of which nothing is known but its answers.</summary>
    /// <returns>The exit code.</returns>
    public static int Falsify(string[] args, ILoss loss)
    {
        ArgumentNullException.ThrowIfNull(loss);
        return Falsify(args, loss.GetType().Name, (object)loss);
    }

    /// <summary>Judges an objective of known parts under a name.</summary>
    /// <returns>The exit code.</returns>
    public static int Falsify(string[] args, string name, SurrogateObjective objective)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(objective);
        return Falsify(args, name, (object)objective);
    }

    /// <summary>Judges an optimizer of known links.</summary>
    /// <returns>The exit code.</returns>
    public static int Falsify(string[] args, Optimizer optimizer)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        return Falsify(args, optimizer.Id, (object)optimizer);
    }

    /// <summary>Judges an optimizer of which nothing is known but the way it takes.</summary>
    /// <returns>The exit code.</returns>
    public static int Falsify(string[] args, IOptimizer optimizer)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        return Falsify(args, optimizer.Name, (object)optimizer);
    }

    private static int Falsify(string[] args, string name, object subject)
    {
        ArgumentNullException.ThrowIfNull(args);
        return CommandLine.Run(args, Terminal.OfProcess(), new OwnProgram(new(Word: "", name, subject)));
    }
}
