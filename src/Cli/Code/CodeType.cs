using System.Reflection;
using GroupRL.Objectives;
using GroupRL.Optimizers;

namespace GroupRL.Cli;

/// <summary>A type that is a loss or an optimizer, or one property of a type that has an objective or an optimizer.</summary>
/// <param name="Type">The type.</param>
/// <param name="Property">The property; null where it is the type itself.</param>
/// <param name="Alone">Whether the type's name says which is meant.</param>
internal sealed record CodeType(Type Type, PropertyInfo? Property, bool Alone)
{
    /// <summary>What of a type can be judged.</summary>
    public static IEnumerable<CodeType> Of(Type type)
    {
        if (type.IsAssignableTo(typeof(ILoss)) || type.IsAssignableTo(typeof(IOptimizer)))
            return [new(type, null, Alone: true)];
        var properties = type.GetProperties(BindingFlags.Public | BindingFlags.Static)
            .Where(property => (property.PropertyType == typeof(SurrogateObjective) || property.PropertyType == typeof(Optimizer)) && property.GetMethod is { IsPublic: true }).ToArray();
        return properties.Select(property => new CodeType(type, property, Alone: properties.Length == 1));
    }

    /// <summary>How a type may be called: nested ones as the runtime does and as C# does.</summary>
    public static IReadOnlyList<string> NamesOf(Type type) => [type.FullName!, type.FullName!.Replace('+', '.')];

    /// <summary>The name that says enough.</summary>
    public string ShortestName => Alone ? NamesOf(Type)[1] : $"{NamesOf(Type)[1]}.{Property!.Name}";

    /// <summary>Whether <paramref name="name"/> is the type's, or the type's and the property's.</summary>
    public bool IsNamed(string name) => NamesOf(Type).Any(type => name == type || (Property is not null && name == $"{type}.{Property.Name}"));

    /// <summary>The loss, the objective or the optimizer itself.</summary>
    /// <exception cref="InvalidInputException">There is none to be had.</exception>
    public CodeSubject Make(string word)
    {
        object value = (Property is null ? New(word) : Get(word)) ?? throw new InvalidInputException($"{word} is null.");
        return new(word, Alone ? Type.Name : $"{Type.Name}.{Property!.Name}", value);
    }

    private object? New(string word)
    {
        if (Type.IsAbstract || Type.ContainsGenericParameters)
            throw new InvalidInputException($"{word} is {(Type.IsInterface ? "an interface" : Type.IsAbstract ? "abstract" : "generic")}, so there is none of it: name a type that can be made.");
        if (!Type.IsValueType && Type.GetConstructor([]) is null)
            throw new InvalidInputException($"{word} has no public constructor without parameters, so it cannot be made.");
        return Called(word, "the constructor", () => Activator.CreateInstance(Type));
    }

    private object? Get(string word) => Type.ContainsGenericParameters
        ? throw new InvalidInputException($"{word} is of a generic type, so it cannot be read.")
        : Called(word, $"the property {Property!.Name}", () => Property.GetValue(null));

    private static object? Called(string word, string what, Func<object?> call)
    {
        try
        {
            return call();
        }
        catch (TargetInvocationException error)
        {
            throw new InvalidInputException($"{word} cannot be had: {what} {ForeignCode.Threw(error)}", error);
        }
    }
}
