using System.Collections.Immutable;

namespace GroupRL.Checking;

/// <summary>A domain whose corners do not hold what they cannot judge.</summary>
/// <param name="Inner">The domain.</param>
/// <param name="IsRefusal">Which exceptions say that a case could not be judged.</param>
public sealed record GuardedDomain<T>(Domain<T> Inner, Func<Exception, bool> IsRefusal) : Domain<T>
{
    /// <inheritdoc/>
    public override ImmutableArray<Corner<T>> Corners { get; } = [.. Inner.Corners.Select(corner => new Corner<T>(corner.Name, value => Contains(corner, value, IsRefusal)))];

    /// <inheritdoc/>
    public override T Build(Draw draw) => Inner.Build(draw);

    /// <inheritdoc/>
    public override IEnumerable<T> Shrink(T value) => Inner.Shrink(value);

    private static bool Contains(Corner<T> corner, T value, Func<Exception, bool> isRefusal)
    {
        try
        {
            return corner.Contains(value);
        }
        catch (Exception error) when (isRefusal(error))
        {
            return false;
        }
    }
}
