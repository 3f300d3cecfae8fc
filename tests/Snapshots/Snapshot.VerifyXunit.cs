using System.Runtime.CompilerServices;
using VerifyTests;
using VerifyXunit;

namespace GroupRL.Snapshots;

/// <content>The comparison of a build with <c>-p:VerifyXunit=true</c>: the package's own, of the text as it is.</content>
internal static partial class Snapshot
{
    // A received file, renamed, is byte for byte the verified file of a plain build.
    [ModuleInitializer]
    public static void WriteNoByteOrderMark() => VerifierSettings.UseUtf8NoBom();

    // Waited for here: a test that forgot to await would pass.
    private static void Compare(string name, string actual) =>
        Verifier.Verify(actual).UseDirectory(Folder).UseFileName(name).DisableScrubbers().DisableDiff().GetAwaiter().GetResult();
}
