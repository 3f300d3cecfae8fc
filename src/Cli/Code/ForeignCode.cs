using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text.Json.Nodes;

namespace GroupRL.Cli;

/// <summary>What happens in code that is not ours, in a sentence.</summary>
internal static class ForeignCode
{
    private static readonly string[] s_suite =
        ["GroupRL.Objectives", "GroupRL.Optimizers", "GroupRL.Policies", "GroupRL.Checking", "GroupRL.Claims", "grouprl"];

    /// <summary>Whether an assembly of that name is a part of the suite.</summary>
    public static bool IsSuite(string assembly) => s_suite.Contains(assembly);

    /// <summary>What a user's code threw, as a sentence; null where it did not.</summary>
    public static string? Sentence(Exception error)
    {
        var cause = Cause(error);
        return Culprit(cause) is not null ? $"Compiled code {Threw(error)}"
            : IsUnloadable(cause) ? $"Compiled code does not fit this version of the suite: {Message(cause)}."
            : null;
    }

    /// <summary>"threw … in …: …", of the exception that others may be wrapped around.</summary>
    public static string Threw(Exception error)
    {
        var cause = Cause(error);
        string place = Culprit(cause) is { DeclaringType: { } type } method ? $" in {type.Name}{(method is ConstructorInfo ? "" : $".{method.Name}")}" : "";
        return $"threw {cause.GetType().Name}{place}: {Message(cause)}.";
    }

    /// <summary>A part of an objective that no proposal can name, by its type and what its constructor takes.</summary>
    public static JsonNode Describe(object part)
    {
        var type = part.GetType();
        var settings = type.GetConstructors().Select(made => made.GetParameters()).MaxBy(parameters => parameters.Length) ?? [];
        return new JsonObject(
        [
            new("name", type.Name),
            .. settings.Select(setting => type.GetProperty(setting.Name!)).OfType<PropertyInfo>().Select(setting => KeyValuePair.Create(
                setting.Name.ToLowerInvariant(), (JsonNode?)string.Create(CultureInfo.InvariantCulture, $"{setting.GetValue(part)}"))),
        ]);
    }

    /// <summary>Whether code does not fit what it was built against.</summary>
    public static bool IsUnloadable(Exception error) =>
        error is FileNotFoundException or FileLoadException or BadImageFormatException or TypeLoadException or MissingMemberException or ReflectionTypeLoadException;

    private static string Message(Exception error) => error.Message.ReplaceLineEndings(" ").TrimEnd('.', ' ');

    private static Exception Cause(Exception error) =>
        error is TargetInvocationException or TypeInitializationException && error.InnerException is { } inner ? Cause(inner) : error;

    // The innermost method on the way that is a user's.
    private static MethodBase? Culprit(Exception error) =>
        new StackTrace(error).GetFrames().Select(frame => frame.GetMethod()).FirstOrDefault(method => method?.DeclaringType?.Assembly is { } assembly && IsUsers(assembly));

    // Who writes for the suite refers to it, which no library does that it uses.
    private static bool IsUsers(Assembly assembly) =>
        !IsSuite(assembly.GetName().Name!) && assembly.GetReferencedAssemblies().Any(reference => IsSuite(reference.Name!));
}
