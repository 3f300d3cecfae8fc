namespace GroupRL.Objectives;

/// <summary>
/// fᵢ = G·softmaxᵢ(hᵢ^λ), hᵢ = 1 + r·zᵢ, zᵢ = (nᵢ − n̄)/(s + ε) over all rows of the group: a learnable preference for long or short
/// completions, 1 for all at λ = 0. A factor beside a token mean: J = (1/Σn) Σᵢ fᵢ Σₜ …; arXiv:2510.06870 (λ-GRPO).
/// </summary>
/// <param name="Spread">r: how far a length of one standard deviation moves h from 1.</param>
/// <param name="Lambda">λ, which is learned; here a number.</param>
/// <param name="Epsilon">ε ≥ 0 beside the standard deviation of lengths, in tokens.</param>
/// <param name="Ddof">Degrees of freedom taken off the standard deviation's divisor, 0 or 1.</param>
/// <remarks>
/// None of the four numbers is pinned by what could be read of the paper, so each must be given. hᵢ ≤ 0 is refused where hᵢ^λ is no
/// number: a non-integer λ, or 0 to a negative power. Lengths count trainable tokens; equal ones have z = 0.
/// </remarks>
public sealed record LengthPreference(double Spread, double Lambda, double Epsilon, int Ddof) : TokenWeight
{
    /// <summary>r.</summary>
    public double Spread { get; } = Checks.Finite(Spread, "A length preference's r");

    /// <summary>λ.</summary>
    public double Lambda { get; } = Checks.Finite(Lambda, "A length preference's λ");

    /// <summary>ε, in tokens.</summary>
    public double Epsilon { get; } = Checks.AtLeastZero(Epsilon, "The ε beside a standard deviation of lengths");

    /// <summary>Degrees of freedom.</summary>
    public int Ddof { get; } = Ddof is 0 or 1 ? Ddof : throw InvalidInputException.Because($"ddof must be 0 or 1; got {Ddof}.");

    /// <inheritdoc/>
    public override bool OneNumberARow => true;

    /// <inheritdoc/>
    public override bool ReadsGroup => true;

    /// <summary>fᵢ is the same for all rows of equal length only.</summary>
    public override Traits Traits => Traits.GroupIsolated
        | (Lambda == 0 || Spread == 0 ? Traits.UniformWeight | Traits.UniformOffPolicy | Traits.LengthBlind | Traits.FlatWeight : Traits.None);

    /// <inheritdoc/>
    public override void Fill(RolloutBatch batch, ReadOnlySpan<double> advantages, Span<double> weights)
    {
        for (int g = 0; g < batch.Groups; g++)
        {
            var (first, count) = batch.Group(g).GetOffsetAndLength(batch.Rows);
            double mean = (double)weights[batch.GroupTokens(g)].Length / count, squares = 0;
            for (int i = first; i < first + count; i++)
                squares += (batch.Length(i) - mean) * (batch.Length(i) - mean);
            double std = Math.Sqrt(squares / Math.Max(1, count - Ddof));

            using var powers = new Scratch(count);
            double largest = double.NegativeInfinity, sum = 0;
            for (int k = 0; k < count; k++)
            {
                powers.Span[k] = Power(batch, g, k, squares == 0 ? 0 : (batch.Length(first + k) - mean) / (std + Epsilon));
                largest = Math.Max(largest, powers.Span[k]);
            }

            foreach (double power in powers.Span)
                sum += Math.Exp(power - largest);
            for (int k = 0; k < count; k++)
                weights[batch.Row(first + k)].Fill(count * Math.Exp(powers.Span[k] - largest) / sum);
        }
    }

    private double Power(RolloutBatch batch, int g, int k, double z)
    {
        double h = 1 + (Spread * z), power = Math.Pow(h, Lambda);
        bool defined = h > 0 || (double.IsInteger(Lambda) && (h < 0 || Lambda >= 0));
        return defined && double.IsFinite(power)
            ? power
            : throw InvalidInputException.Because(
                $"A length preference needs h = 1 + r·z to have a finite power λ = {Lambda}; {batch.PlaceOfRow(batch.Group(g).Start.Value + k)} of length {batch.Length(batch.Group(g).Start.Value + k)} has h = {h}.");
    }
}
