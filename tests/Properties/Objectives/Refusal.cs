using GroupRL.Objectives;
using Xunit;

namespace GroupRL.Properties.Objectives;

internal static class Refusal
{
    /// <summary>The sentence with which an input is refused; anything but a refusal fails.</summary>
    public static string Of(Func<object?> action) => Assert.Throws<InvalidInputException>(action).Message;
}
