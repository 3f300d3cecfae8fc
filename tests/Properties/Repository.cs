namespace GroupRL.Properties;

/// <summary>The checkout that the tests were built from.</summary>
internal static class Repository
{
    /// <summary>A file of it.</summary>
    public static string Path(string relative)
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(System.IO.Path.Combine(folder.FullName, "Verify.sln")))
            folder = folder.Parent;
        return System.IO.Path.Combine(folder!.FullName, relative);
    }
}
