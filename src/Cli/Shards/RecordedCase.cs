using System.Collections.Immutable;

namespace GroupRL.Cli;

/// <summary>A case that is no batch and was found elsewhere: what reports say of it.</summary>
/// <param name="Text">All of it.</param>
/// <param name="Line">In one line, as <see cref="CaseText.Of"/> has it.</param>
/// <param name="Size">How large it is, as <see cref="CaseText.Size"/> has it.</param>
internal sealed record RecordedCase(string Text, string Line, ImmutableArray<long> Size)
{
    /// <inheritdoc/>
    public override string ToString() => Text;
}
