using System.Reflection;
using System.Runtime.Loader;

namespace GroupRL.Cli;

/// <summary>
/// Where a user's assembly is loaded: what it depends on is found beside it, except the suite itself, which it shares with the command, for
/// else its losses would be none of ours.
/// </summary>
internal sealed class CodeContext(string path) : AssemblyLoadContext(path)
{
    private readonly AssemblyDependencyResolver _resolver = new(path);

    /// <inheritdoc/>
    protected override Assembly? Load(AssemblyName assemblyName)
    {
        if (ForeignCode.IsSuite(assemblyName.Name!))
            return GetLoadContext(typeof(CodeContext).Assembly)!.LoadFromAssemblyName(assemblyName);
        return _resolver.ResolveAssemblyToPath(assemblyName) is { } file ? LoadFromAssemblyPath(file) : null;
    }

    /// <inheritdoc/>
    protected override nint LoadUnmanagedDll(string unmanagedDllName) =>
        _resolver.ResolveUnmanagedDllToPath(unmanagedDllName) is { } file ? LoadUnmanagedDllFromPath(file) : 0;
}
