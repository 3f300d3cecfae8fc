namespace GroupRL.Objectives;

/// <summary>
/// What is judged did what nothing may that is judged: no verdict can be had of it. <see cref="Exception.Message"/> is one sentence, fit to be
/// shown to a user as it is.
/// </summary>
public sealed class BrokenSubjectException : Exception
{
    /// <summary>A broken subject with no sentence; prefer the others.</summary>
    public BrokenSubjectException()
    {
    }

    /// <summary>A broken subject, and <paramref name="message"/> says how.</summary>
    public BrokenSubjectException(string message)
        : base(message)
    {
    }

    /// <summary>A broken subject that was found through <paramref name="innerException"/>.</summary>
    public BrokenSubjectException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
