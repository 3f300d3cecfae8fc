namespace GroupRL.Objectives;

/// <summary>
/// What a caller supplied breaks a rule. <see cref="Exception.Message"/> is one sentence with the rule, the value and the place,
/// fit to be shown to a user as it is.
/// </summary>
public sealed class InvalidInputException : ArgumentException
{
    /// <summary>An input error with no sentence; prefer <see cref="Because"/>.</summary>
    public InvalidInputException()
    {
    }

    /// <summary>An input error that says <paramref name="message"/>.</summary>
    public InvalidInputException(string message)
        : base(message)
    {
    }

    /// <summary>An input error that says <paramref name="message"/> and was found through <paramref name="innerException"/>.</summary>
    public InvalidInputException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>An input error whose numbers are written in the invariant culture.</summary>
    public static InvalidInputException Because(FormattableString sentence) => new(FormattableString.Invariant(sentence));
}
