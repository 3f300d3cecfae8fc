using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Objectives;
using GroupRL.Optimizers;
using GroupRL.Policies;
using GroupRL.Trainer;
using GroupRL.Xunit;
using Xunit;

namespace GroupRL.Properties;

/// <summary>
/// The layers as the compiler left them: what each built assembly refers to, inside method bodies too. The table is that of the design.
/// </summary>
public class LayeringTests
{
    private static readonly (string Assembly, string[] MayUse)[] s_layers =
    [
        ("GroupRL.Objectives", ["System.Numerics.Tensors"]),
        ("GroupRL.Optimizers", ["System.Numerics.Tensors"]),
        ("GroupRL.Policies", ["GroupRL.Objectives", "MathNet.Numerics", "System.Numerics.Tensors"]),
        ("GroupRL.Checking", ["GroupRL.Objectives", "GroupRL.Optimizers", "GroupRL.Policies", "FsCheck", "FSharp.Core", "MathNet.Numerics"]),
        ("GroupRL.Claims", ["GroupRL.Objectives", "GroupRL.Optimizers", "GroupRL.Policies", "GroupRL.Checking"]),
        ("GroupRL.Trainer", ["GroupRL.Objectives", "GroupRL.Optimizers", "GroupRL.Policies", "GroupRL.Checking", "GroupRL.Claims", "MathNet.Numerics"]),
        ("GroupRL.Xunit", ["GroupRL.Objectives", "GroupRL.Optimizers", "GroupRL.Checking", "GroupRL.Claims", "FuzzySharp", "xunit.core", "xunit.assert", "Xunit.SkippableFact"]),
    ];

    // Randomness, the clock, files, the console, processes and the network: none of them below the command, wherever they are declared.
    private static readonly string[] s_effects =
    [
        "System.Random", "System.Security.Cryptography.RandomNumberGenerator",
        "System.DateTime", "System.DateTimeOffset", "System.TimeProvider", "System.Diagnostics.Stopwatch", "System.Threading.Timer",
        "System.Console",
        "System.IO.File", "System.IO.FileStream", "System.IO.FileInfo", "System.IO.Directory", "System.IO.DirectoryInfo", "System.IO.StreamReader",
        "System.IO.StreamWriter", "System.IO.Path",
        "System.Diagnostics.Process", "System.Net", "System.Reflection.Assembly",
    ];

    public static TheoryData<string> Layers => [.. s_layers.Select(layer => layer.Assembly)];

    [Theory]
    [MemberData(nameof(Layers))]
    public void A_layer_refers_to_the_runtime_and_to_the_layers_below_it_alone(string assembly)
    {
        string[] allowed = s_layers.Single(layer => layer.Assembly == assembly).MayUse;
        foreach (string reference in References(assembly).Assemblies)
            Assert.True(allowed.Contains(reference) || IsRuntime(reference), $"{assembly} refers to {reference}, which its layer may not use");
    }

    [Theory]
    [MemberData(nameof(Layers))]
    public void A_layer_below_the_command_touches_no_console_file_clock_or_random_source(string assembly)
    {
        foreach (string type in References(assembly).Types)
            Assert.DoesNotContain(s_effects, effect => type == effect || type.StartsWith(effect + ".", StringComparison.Ordinal));
        // Iterators ask which thread they run on; nothing else about the environment is anyone's business.
        Assert.All(References(assembly).Members.Where(member => member.StartsWith("System.Environment.", StringComparison.Ordinal)), member =>
            Assert.Equal("System.Environment.get_CurrentManagedThreadId", member));
        Assert.DoesNotContain("System.Guid.NewGuid", References(assembly).Members);
    }

    [Fact]
    public void FsCheck_is_known_to_one_assembly_alone()
    {
        Assert.All(s_layers, layer => Assert.Equal(
            layer.Assembly == "GroupRL.Checking", References(layer.Assembly).Assemblies.Any(name => name is "FsCheck" or "FSharp.Core")));
    }

    [Fact]
    public void What_is_spotted_here_would_be_spotted_in_a_method_body()
    {
        // This assembly does what the layers may not, in bodies only: the control of the tests above.
        string own = Path.GetFileNameWithoutExtension(typeof(LayeringTests).Assembly.Location);

        Assert.Contains("System.IO.File", References(own).Types);
        Assert.Contains("System.Environment.GetEnvironmentVariable", References(own).Members);
        Assert.Contains("GroupRL.Claims", References(own).Assemblies);
    }

    [Fact]
    public void Every_assembly_of_the_suite_that_lies_beside_the_tests_has_a_row_in_the_table()
    {
        string own = typeof(LayeringTests).Assembly.GetName().Name!;
        var built = Directory.EnumerateFiles(AppContext.BaseDirectory, "GroupRL.*.dll").Select(Path.GetFileNameWithoutExtension).Where(name => name != own);

        Assert.Equal(s_layers.Select(layer => layer.Assembly).Order(), built.Order());
    }

    [Fact]
    public void No_public_signature_speaks_of_FsCheck_FSharp_or_MathNet()
    {
        foreach (var assembly in new[] { typeof(RolloutBatch), typeof(Optimizer), typeof(PrefixTreePolicy), typeof(Falsifier), typeof(Claim), typeof(TrainingRun), typeof(ObjectiveContract) }.Select(type => type.Assembly))
        {
            foreach (var type in assembly.GetExportedTypes())
            {
                foreach (var (member, used) in Signatures(type))
                {
                    string home = used.Assembly.GetName().Name!;
                    Assert.True(s_layers.Any(layer => layer.Assembly == home) || IsRuntime(home) || (home == "xunit.core" && assembly == typeof(ObjectiveContract).Assembly), $"{type.FullName}.{member} shows {used.FullName} of {home}");
                }
            }
        }
    }

    [Fact]
    public void The_console_and_its_libraries_are_the_commands_alone()
    {
        foreach (var (assembly, _) in s_layers)
        {
            Assert.DoesNotContain(References(assembly).Assemblies, name =>
                name is "System.Console" or "System.CommandLine" || (name == "FuzzySharp" && assembly != "GroupRL.Xunit") || name.StartsWith("Spectre.", StringComparison.Ordinal) || name == "grouprl");
        }
    }

    private static bool IsRuntime(string assembly) => assembly is "netstandard" or "System.Private.CoreLib"
        || (assembly.StartsWith("System.", StringComparison.Ordinal) && assembly is not ("System.CommandLine" or "System.Numerics.Tensors" or "System.Console"));

    // Every type in every public and protected signature, generic arguments, bases and interfaces included.
    private static IEnumerable<(string Member, Type Used)> Signatures(Type type)
    {
        const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        var bases = type.GetInterfaces().Append(type.BaseType).OfType<Type>().Select(used => ("its bases", used));
        var fields = type.GetFields(Declared).Where(field => field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly).Select(field => (field.Name, field.FieldType));
        var methods = type.GetMethods(Declared).Cast<MethodBase>().Concat(type.GetConstructors(Declared))
            .Where(method => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly)
            .SelectMany(method => method.GetParameters().Select(parameter => parameter.ParameterType)
                .Concat(method is MethodInfo info ? [info.ReturnType] : [])
                .Concat(method.IsGenericMethodDefinition ? method.GetGenericArguments().SelectMany(argument => argument.GetGenericParameterConstraints()) : [])
                .Select(used => (method.Name, used)));
        return bases.Concat(fields).Concat(methods).SelectMany(pair => Flatten(pair.Item2).Select(used => (pair.Item1, used)));
    }

    private static IEnumerable<Type> Flatten(Type type) => type switch
    {
        { HasElementType: true } => Flatten(type.GetElementType()!),
        { IsGenericParameter: true } => [],
        { IsGenericType: true } => type.GetGenericArguments().SelectMany(Flatten).Append(type.GetGenericTypeDefinition()),
        _ => [type],
    };

    private static (IReadOnlySet<string> Assemblies, IReadOnlySet<string> Types, IReadOnlySet<string> Members) References(string assembly)
    {
        using var stream = File.OpenRead(Path.Combine(AppContext.BaseDirectory, $"{assembly}.dll"));
        using var file = new PEReader(stream);
        var metadata = file.GetMetadataReader();
        return (
            metadata.AssemblyReferences.Select(handle => metadata.GetString(metadata.GetAssemblyReference(handle).Name)).ToHashSet(),
            metadata.TypeReferences.Select(NameOf).ToHashSet(),
            metadata.MemberReferences.Select(metadata.GetMemberReference).Where(member => member.Parent.Kind == HandleKind.TypeReference)
                .Select(member => $"{NameOf((TypeReferenceHandle)member.Parent)}.{metadata.GetString(member.Name)}").ToHashSet());

        string NameOf(TypeReferenceHandle handle)
        {
            var type = metadata.GetTypeReference(handle);
            return $"{metadata.GetString(type.Namespace)}.{metadata.GetString(type.Name)}";
        }
    }
}
