using GroupRL.Optimizers;

namespace GroupRL.Properties.Optimizers;

/// <summary>A link's rule: (state, u, θ) ↦ (state′, u′).</summary>
public delegate (TransformState State, double[] Update) LinkRule(TransformState state, double[] update, double[] theta);

/// <summary>NAdam's settings and promises, another rule.</summary>
public sealed record SpoiledNAdam : ScaleByNAdam
{
    private readonly LinkRule _rule;

    public SpoiledNAdam(ScaleByNAdam right, LinkRule rule) : base(right) => _rule = rule;

    /// <inheritdoc/>
    public override (TransformState State, double[] Update) Apply(
        TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta) => _rule(state, update.ToArray(), theta.ToArray());
}

/// <summary>RAdam's settings and promises, another rule.</summary>
public sealed record SpoiledRAdam : ScaleByRAdam
{
    private readonly LinkRule _rule;

    public SpoiledRAdam(ScaleByRAdam right, LinkRule rule) : base(right) => _rule = rule;

    /// <inheritdoc/>
    public override (TransformState State, double[] Update) Apply(
        TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta) => _rule(state, update.ToArray(), theta.ToArray());
}

/// <summary>RMSprop's settings and promises, another rule.</summary>
public sealed record SpoiledRms : ScaleByRms
{
    private readonly LinkRule _rule;

    public SpoiledRms(ScaleByRms right, LinkRule rule) : base(right) => _rule = rule;

    /// <inheritdoc/>
    public override (TransformState State, double[] Update) Apply(
        TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta) => _rule(state, update.ToArray(), theta.ToArray());
}

/// <summary>Adagrad's settings and promises, another rule.</summary>
public sealed record SpoiledAdagrad : ScaleByAdagrad
{
    private readonly LinkRule _rule;

    public SpoiledAdagrad(ScaleByAdagrad right, LinkRule rule) : base(right) => _rule = rule;

    /// <inheritdoc/>
    public override (TransformState State, double[] Update) Apply(
        TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta) => _rule(state, update.ToArray(), theta.ToArray());
}

/// <summary>Adamax's settings and promises, another rule.</summary>
public sealed record SpoiledAdamax : ScaleByAdamax
{
    private readonly LinkRule _rule;

    public SpoiledAdamax(ScaleByAdamax right, LinkRule rule) : base(right) => _rule = rule;

    /// <inheritdoc/>
    public override (TransformState State, double[] Update) Apply(
        TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta) => _rule(state, update.ToArray(), theta.ToArray());
}

/// <summary>Adadelta's settings and promises, another rule.</summary>
public sealed record SpoiledAdadelta : ScaleByAdadelta
{
    private readonly LinkRule _rule;

    public SpoiledAdadelta(ScaleByAdadelta right, LinkRule rule) : base(right) => _rule = rule;

    /// <inheritdoc/>
    public override (TransformState State, double[] Update) Apply(
        TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta) => _rule(state, update.ToArray(), theta.ToArray());
}

/// <summary>Lion's settings and promises, another rule.</summary>
public sealed record SpoiledLion : ScaleByLion
{
    private readonly LinkRule _rule;

    public SpoiledLion(ScaleByLion right, LinkRule rule) : base(right) => _rule = rule;

    /// <inheritdoc/>
    public override (TransformState State, double[] Update) Apply(
        TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta) => _rule(state, update.ToArray(), theta.ToArray());
}

/// <summary>Signum's settings and promises, another rule.</summary>
public sealed record SpoiledSign : ScaleBySign
{
    private readonly LinkRule _rule;

    public SpoiledSign(ScaleBySign right, LinkRule rule) : base(right) => _rule = rule;

    /// <inheritdoc/>
    public override (TransformState State, double[] Update) Apply(
        TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta) => _rule(state, update.ToArray(), theta.ToArray());
}

/// <summary>Adafactor's settings and promises, another rule.</summary>
public sealed record SpoiledAdafactor : ScaleByAdafactor
{
    private readonly LinkRule _rule;

    public SpoiledAdafactor(ScaleByAdafactor right, LinkRule rule) : base(right) => _rule = rule;

    /// <inheritdoc/>
    public override (TransformState State, double[] Update) Apply(
        TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta) => _rule(state, update.ToArray(), theta.ToArray());
}

/// <summary>Muon's settings and promises, another rule.</summary>
public sealed record SpoiledMuon : ScaleByMuon
{
    private readonly LinkRule _rule;

    public SpoiledMuon(ScaleByMuon right, LinkRule rule) : base(right) => _rule = rule;

    /// <inheritdoc/>
    public override (TransformState State, double[] Update) Apply(
        TransformState state, ReadOnlySpan<double> update, ReadOnlySpan<double> theta) => _rule(state, update.ToArray(), theta.ToArray());
}
