using YamlDotNet.RepresentationModel;

namespace GroupRL.Properties.Deploy;

/// <summary>Documents of YAML, by path.</summary>
internal static class Yaml
{
    /// <summary>The documents of a text.</summary>
    public static YamlNode[] Documents(string text)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(text));
        return [.. stream.Documents.Select(document => document.RootNode)];
    }

    /// <summary>What stands at a path of keys (text) and places (numbers); null where it ends early.</summary>
    public static YamlNode? At(this YamlNode node, params object[] path) => path.Aggregate((YamlNode?)node, (at, step) => (at, step) switch
    {
        (YamlMappingNode mapping, string key) => mapping.Children.TryGetValue(new YamlScalarNode(key), out var value) ? value : null,
        (YamlSequenceNode sequence, int place) => place < sequence.Children.Count ? sequence[place] : null,
        _ => null,
    });

    /// <summary>The text of a scalar at a path; null where there is none.</summary>
    public static string? Text(this YamlNode node, params object[] path) => (node.At(path) as YamlScalarNode)?.Value;

    /// <summary>The items of a sequence at a path; none where there is none.</summary>
    public static YamlNode[] Items(this YamlNode node, params object[] path) => node.At(path) is YamlSequenceNode sequence ? [.. sequence.Children] : [];

    /// <summary>The scalars of a sequence at a path.</summary>
    public static string[] Texts(this YamlNode node, params object[] path) => [.. node.Items(path).Select(item => item.Text()!)];

    /// <summary>The scalars of a mapping at a path, by key.</summary>
    public static (string Name, string Value)[] Pairs(this YamlNode node, params object[] path) => node.At(path) is YamlMappingNode mapping
        ? [.. mapping.Children.Where(pair => pair.Value is YamlScalarNode).Select(pair => (pair.Key.Text()!, pair.Value.Text()!))]
        : [];
}
