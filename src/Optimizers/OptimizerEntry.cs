namespace GroupRL.Optimizers;

/// <summary>A published optimizer with its settings, under the id by which it is called.</summary>
/// <param name="Optimizer">
/// The optimizer; it carries the id: an algorithm's name, or <c>library:name</c> for what a library trains with.
/// </param>
/// <param name="Formula">Its formula, in words and symbols.</param>
/// <param name="Source">The paper, or the library and commit.</param>
/// <param name="Departure">How it departs from its source; empty where it does not.</param>
public sealed record OptimizerEntry(Optimizer Optimizer, string Formula, string Source, string Departure = "")
{
    /// <summary>The id.</summary>
    public string Id => Optimizer.Id;
}
