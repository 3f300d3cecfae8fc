using GroupRL.Objectives;
using GroupRL.Policies;

namespace GroupRL.Torch;

/// <summary>
/// Sequences of different lengths as one matrix of rows × T inputs, T the longest: the prompt, then all tokens but the last, then padding,
/// which stands behind everything that is read and is therefore never seen.
/// </summary>
internal sealed class PaddedSequences
{
    private PaddedSequences(int rows, int length, long[] inputs, long[] drawn) => (Rows, Length, Inputs, Drawn) = (rows, length, inputs, drawn);

    public int Rows { get; }

    /// <summary>T.</summary>
    public int Length { get; }

    /// <summary>Rows of the embedding, prompts before tokens, shape [rows · T].</summary>
    public long[] Inputs { get; }

    /// <summary>Where in [rows · T] the contexts are that tokens were drawn at, sequence after sequence, shape [N].</summary>
    public long[] Drawn { get; }

    public static PaddedSequences Of(IReadOnlyList<Sequence> sequences, TransformerSettings settings)
    {
        if (sequences.Count == 0)
            throw InvalidInputException.Because($"A policy needs at least 1 sequence; got none.");
        for (int i = 0; i < sequences.Count; i++)
            Check(sequences[i], i, settings);
        int length = sequences.Max(sequence => sequence.Tokens.Length);
        var inputs = new long[sequences.Count * length];
        var drawn = new List<long>(inputs.Length);
        for (int i = 0; i < sequences.Count; i++)
        {
            var tokens = sequences[i].Tokens;
            for (int t = 0; t < tokens.Length; t++)
            {
                int at = (i * length) + t;
                inputs[at] = t == 0 ? sequences[i].Prompt : settings.Prompts + tokens[t - 1];
                drawn.Add(at);
            }
        }

        return new(sequences.Count, length, inputs, [.. drawn]);
    }

    private static void Check(Sequence sequence, int i, TransformerSettings settings)
    {
        if (sequence.Prompt < 0 || sequence.Prompt >= settings.Prompts)
            throw InvalidInputException.Because($"A prompt must be one of 0 … {settings.Prompts - 1}; sequence {i} has {sequence.Prompt}.");
        if (sequence.Tokens.IsDefaultOrEmpty || sequence.Tokens.Length > settings.Limit)
            throw InvalidInputException.Because($"A sequence must have 1 … {settings.Limit} tokens; sequence {i} has {(sequence.Tokens.IsDefault ? 0 : sequence.Tokens.Length)}.");
        for (int t = 0; t < sequence.Tokens.Length; t++)
        {
            if (sequence.Tokens[t] < 0 || sequence.Tokens[t] >= settings.Vocabulary)
                throw InvalidInputException.Because($"A token id must be one of 0 … {settings.Vocabulary - 1}; sequence {i} has {sequence.Tokens[t]} at token {t}.");
        }
    }
}
