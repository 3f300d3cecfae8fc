using GroupRL.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace GroupRL.Torch;

/// <summary>Advantages of one number a token over tensors; what stands at masked places is 0.</summary>
internal static class AdvantageTensors
{
    /// <summary>Aᵢₜ, shape [B, T], from Rᵢ (NaN: missing), shape [B]; data: no gradient flows through it.</summary>
    public static Tensor Of(Advantage advantage, TensorBatch batch, Tensor rewards) => Formula(advantage, batch, rewards).Only(batch.Trained);

    private static Tensor Formula(Advantage advantage, TensorBatch batch, Tensor rewards) => advantage switch
    {
        RowAdvantage rows => RowAdvantageTensors.Of(rows, batch, rewards).unsqueeze(1).expand_as(batch.Mask),
        GivenAdvantages given => batch.Spread(given.Tokens, 0),
        Returns returns => Discounted(batch, Earned(returns.Rewards, batch, rewards), returns.Discount, returns.CutAtGaps),
        GeneralisedAdvantage gae => Generalised(gae, batch, rewards),
        OptimalTokenBaseline optimal => Optimal(optimal, batch, rewards),
        TokenWhitened whitened => Whitened(whitened, batch, Of(whitened.Inner, batch, rewards), rewards),
        _ => throw Tensors.NoForm(advantage),
    };

    /// <summary>Σₛ≥ₜ γˢ⁻ᵗ xₛ over a row's trainable tokens, counted in them, shape [B, T]; cut: only as far as no token between is masked.</summary>
    public static Tensor Discounted(TensorBatch batch, Tensor values, double discount, bool cut = false)
    {
        var weights = torch.full_like(Steps(batch), discount).pow(Steps(batch).clamp(min: 0)).Only(Later(batch, cut));
        return (weights * values.Only(batch.Trained).unsqueeze(1)).sum(2);
    }

    // How many trainable tokens lie between places t and s, shape [B, T, T].
    private static Tensor Steps(TensorBatch batch) => batch.Ordinals().unsqueeze(1) - batch.Ordinals().unsqueeze(2);

    // Whether place s is trained on and not before t, and, cut, whether nothing between them is masked, shape [B, T, T].
    private static Tensor Later(TensorBatch batch, bool cut)
    {
        var later = Steps(batch).ge(0).logical_and(batch.Trained.unsqueeze(1));
        var gaps = (1 - batch.Mask).cumsum(1);
        return cut ? later.logical_and(gaps.unsqueeze(1).eq(gaps.unsqueeze(2))) : later;
    }

    // rᵢₜ: the outcome at the last trainable token, plus what tokens earn, less β·clamp(ℓ° − ℓʳ); nothing where the reward is missing.
    private static Tensor Earned(TokenRewards earned, TensorBatch batch, Tensor rewards)
    {
        var last = batch.Ordinals().eq(batch.Lengths.unsqueeze(1));
        var tokens = RowAdvantageTensors.Of(earned.Outcome, batch, rewards).unsqueeze(1).expand_as(batch.Mask).Only(last);
        if (earned.AtTokens)
            tokens += batch[Column.TokenReward];
        if (earned.Beta > 0)
            tokens -= earned.Beta * (batch[Column.OldLogp] - batch[Column.RefLogp]).clamp(min: -earned.LargestKl, max: earned.LargestKl);
        return tokens.Only(batch.Trained).Only(rewards.Known().unsqueeze(1));
    }

    // Σₛ≥ₜ (γλ)ˢ⁻ᵗ δₛ, δₛ = rₛ + γVₛ₊₁ − Vₛ.
    private static Tensor Generalised(GeneralisedAdvantage advantage, TensorBatch batch, Tensor rewards)
    {
        var values = batch[Column.Value];
        var next = values.unsqueeze(1).Only(Later(batch, cut: false).logical_and(Steps(batch).eq(1))).sum(2);
        var surprise = Earned(advantage.Rewards, batch, rewards) + (advantage.Discount * next) - values;
        return Discounted(batch, surprise, advantage.Discount * advantage.Lambda).Only(rewards.Known().unsqueeze(1));
    }

    // G − b, b = Σ GW/(ΣW + ε) over the group's rows that train on the place, W = Σₛ≤ₜ (1 − 2π + Σπ²), no term below 0.
    private static Tensor Optimal(OptimalTokenBaseline advantage, TensorBatch batch, Tensor rewards)
    {
        var known = rewards.Known().unsqueeze(1).logical_and(batch.Trained);
        var returns = Discounted(batch, Earned(advantage.Rewards, batch, rewards), discount: 1);
        var energy = (1 - (2 * batch[Column.OldLogp].exp()) + batch[Column.SumPiSquared]).clamp(min: 0).Only(known).cumsum(1).Only(known);
        var weights = batch.Together.matmul(energy) + advantage.Epsilon;
        var baseline = (batch.Together.matmul(energy * returns) / weights).Only(weights.ne(0));
        // Rows that reach this place at least: with fewer than two, a row would be its own baseline.
        var reach = known.Indicator().flip(1).cumsum(1).flip(1).gt(0).Indicator();
        var compared = batch.Together.matmul(advantage.ZeroTail ? reach : reach.amax([1], keepdim: true)).ge(2);
        return returns - baseline.Only(compared).Only(known);
    }

    // (A − m)/√max(v + ε, floor), m = ΣA/(N + p), v = Σ(A − m)²/(N + p)·N/(N − ddof), over the tokens of rows whose reward is known.
    private static Tensor Whitened(TokenWhitened advantage, TensorBatch batch, Tensor inner, Tensor rewards)
    {
        var known = rewards.Known().unsqueeze(1).logical_and(batch.Trained);
        var count = known.Indicator().sum();
        var mean = inner.Only(known).sum() / (count + advantage.Padding);
        var centred = (inner - mean).Only(known);
        if (!advantage.Scaled)
            return centred;
        var variance = centred.pow(2).sum() / (count + advantage.Padding) * (count / (count - advantage.Ddof));
        var std = (variance + advantage.Epsilon).clamp(min: advantage.Floor).sqrt();
        bool bare = advantage.Epsilon == 0 && advantage.Floor == 0 && std.IsNoise(inner.Only(known).abs().max()).item<bool>();
        return bare ? torch.zeros_like(inner) : (centred / std).Only(known);
    }
}
