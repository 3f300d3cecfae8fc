namespace GroupRL.Policies;

/// <summary>
/// The growth law: how many groups an expectation over a <see cref="TinyPolicy"/> is a sum of. The numbers are whole, exact up to 2⁵³/(n + G),
/// and infinite beyond float64.
/// </summary>
/// <param name="Vocabulary">V ≥ 2, the end token among them.</param>
/// <param name="Limit">L ≥ 1, the largest number of tokens of a completion.</param>
/// <param name="Count">G ≥ 1, how many completions are drawn.</param>
public readonly record struct GroupSpace(int Vocabulary, int Limit, int Count)
{
    /// <summary>n = 1 + (V − 1) + … + (V − 1)^L: what the end token may end after 0 to L − 1 letters, and what the limit ends.</summary>
    public double Completions
    {
        get
        {
            double completions = 1;
            for (int length = 0; length < Limit && double.IsFinite(completions); length++)
                completions = (completions * (Vocabulary - 1)) + 1;
            return completions;
        }
    }

    /// <summary>C(n + G − 1, G), the multisets of G completions: what is enumerated.</summary>
    public double Groups
    {
        get
        {
            // Each partial product is a binomial coefficient itself.
            double completions = Completions, groups = 1;
            for (int k = 1; k <= Count && double.IsFinite(groups); k++)
                groups = groups * (completions + k - 1) / k;
            return groups;
        }
    }

    /// <summary>G·L for each of them: no fewer tokens than are evaluated.</summary>
    public double Tokens => Groups * Count * Limit;

    /// <summary>n^G, the groups in the order of drawing, of which each multiset stands for up to G!.</summary>
    public double Ordered => Math.Pow(Completions, Count);
}
