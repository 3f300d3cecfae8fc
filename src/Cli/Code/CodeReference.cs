using System.Reflection;
using GroupRL.Objectives;

namespace GroupRL.Cli;

/// <summary>
/// A loss, an objective or an optimizer by the type of a compiled assembly that is it or has it: <c>path.dll#Namespace.Type</c>, and
/// <c>path.dll#Namespace.Type.Property</c> where the type has several.
/// </summary>
internal sealed class CodeReference
{
    private const string Extension = ".dll";

    private readonly string _word;
    private readonly string _path;
    private readonly string _name;

    private CodeReference(string word)
    {
        int hash = word.IndexOf(Extension + "#", StringComparison.OrdinalIgnoreCase);
        _word = word;
        (_path, _name) = hash < 0 ? (word, "") : (word[..(hash + Extension.Length)], word[(hash + Extension.Length + 1)..]);
    }

    /// <summary>Whether a word of a command line is such a reference: whatever names an assembly is meant to be one.</summary>
    public static bool Is(string word) =>
        word.Contains(Extension + "#", StringComparison.OrdinalIgnoreCase) || word.EndsWith(Extension, StringComparison.OrdinalIgnoreCase);

    /// <summary>What <paramref name="word"/> names, and what reports call it.</summary>
    /// <exception cref="InvalidInputException">It names nothing, or nothing that can be judged.</exception>
    public static CodeSubject Load(string word) => new CodeReference(word).Load();

    private CodeSubject Load()
    {
        var assembly = Open();
        try
        {
            var subjects = TypesOf(assembly).SelectMany(CodeType.Of).ToArray();
            return subjects.Where(subject => subject.IsNamed(_name)).ToArray() switch
            {
                [var only] => only.Make(_word),
                [] => throw Nothing(assembly, subjects),
                var several => throw new InvalidInputException($"{_word} may be {string.Join(" or ", several.Select(subject => $"{_path}#{subject.ShortestName}"))}: name one of them."),
            };
        }
        catch (Exception error) when (ForeignCode.IsUnloadable(error))
        {
            throw new InvalidInputException($"{_path} cannot be loaded: {WhatIsMissing(error)}", error);
        }
    }

    private Assembly Open()
    {
        string full;
        try
        {
            full = Path.GetFullPath(_path);
        }
        catch (Exception error) when (error is ArgumentException or NotSupportedException or IOException)
        {
            throw new InvalidInputException($"{_path} cannot be read: it is no valid path.", error);
        }

        if (!File.Exists(full))
            throw new InvalidInputException($"{_path} cannot be read: there is no such file.");
        // A second copy of the suite itself would have other types than the one that judges.
        string name = Path.GetFileNameWithoutExtension(full);
        if (ForeignCode.IsSuite(name))
            return Assembly.Load(name);
        try
        {
            return new CodeContext(full).LoadFromAssemblyPath(full);
        }
        catch (Exception error) when (error is BadImageFormatException or FileLoadException or InvalidOperationException)
        {
            throw new InvalidInputException($"{_path} is no assembly that .NET {Environment.Version.Major} can load.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{_path} cannot be read: {error.Message.ReplaceLineEndings(" ")}", error);
        }
    }

    // A type that needs an assembly which is not there cannot be named, the others can.
    private static IEnumerable<Type> TypesOf(Assembly assembly)
    {
        try
        {
            return assembly.GetTypes();
        }
        catch (ReflectionTypeLoadException error) when (error.Types.Any(type => type is not null))
        {
            return error.Types.OfType<Type>();
        }
    }

    private InvalidInputException Nothing(Assembly assembly, CodeType[] subjects)
    {
        string known = subjects.Length == 0
            ? "no type in it is a loss or has an objective or an optimizer"
            : $"those that can be judged are {Nearest.List(_name, subjects.Select(subject => subject.ShortestName).Distinct(), "")}";
        if (_name.Length == 0)
            return new($"{_word} names no type, as {_path}#Namespace.Type does; {known}.");
        return TypesOf(assembly).Any(type => CodeType.NamesOf(type).Contains(_name))
            ? new($"{_name} of {_path} neither implements ILoss or IOptimizer nor has a public static property of type SurrogateObjective or Optimizer; {known}.")
            : new($"{_path} has no type {_name}; {known}.");
    }

    private static string WhatIsMissing(Exception error) => error switch
    {
        ReflectionTypeLoadException { LoaderExceptions: [{ } first, ..] } => WhatIsMissing(first),
        FileNotFoundException { FileName: { } file } when !ForeignCode.IsSuite(file.Split(',')[0]) => $"it needs {file.Split(',')[0]}, which is not beside it.",
        FileNotFoundException { FileName: { } file } => AnotherVersion(file),
        FileLoadException { FileName: { } file } => AnotherVersion(file),
        _ => $"{error.Message.ReplaceLineEndings(" ").TrimEnd('.', ' ')}.",
    };

    // Of an assembly's full name, its name and its version.
    private static string AnotherVersion(string assembly) => $"it was built against {string.Join(',', assembly.Split(',').Take(2))}, and this command has another version.";
}
