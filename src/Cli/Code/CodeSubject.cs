using GroupRL.Objectives;
using GroupRL.Optimizers;

namespace GroupRL.Cli;

/// <summary>A loss, an objective or an optimizer that is code of a user's.</summary>
/// <param name="Word">How a command line names it again; "" where it need not, in a program that holds it.</param>
/// <param name="Name">What its code calls it.</param>
/// <param name="Value">The loss, the objective or the optimizer.</param>
internal sealed record CodeSubject(string Word, string Name, object Value)
{
    /// <summary>The words by which an option names it again.</summary>
    public string[] Words(string option) => Word.Length == 0 ? [] : [option, Word];

    /// <summary>It as an objective of known parts.</summary>
    /// <exception cref="InvalidInputException">It is none.</exception>
    public SurrogateObjective AsObjective() => Value as SurrogateObjective
        ?? throw new InvalidInputException($"{Word} is {Kind}, where an objective is needed: a static property of type SurrogateObjective.");

    /// <summary>It as an optimizer.</summary>
    /// <exception cref="InvalidInputException">It is none.</exception>
    public Optimizer AsOptimizer() => Value as Optimizer
        ?? throw new InvalidInputException($"{Word} is {Kind}, where an optimizer is needed: a static property of type Optimizer.");

    private string Kind => Value switch
    {
        ILoss => "a loss",
        Optimizer or IOptimizer => "an optimizer",
        _ => "an objective",
    };
}
