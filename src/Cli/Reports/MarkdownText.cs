using System.Globalization;
using System.Text;

namespace GroupRL.Cli;

/// <summary>Text that comes out of Markdown as it went in, in a cell of a table, too.</summary>
internal static class MarkdownText
{
    private const string Special = "\\`*_[]~$|#";

    /// <summary>The text on one line, without markup or HTML.</summary>
    public static string Of(string text)
    {
        var escaped = new StringBuilder(text.Length);
        for (int k = 0; k < text.Length; k++)
        {
            char c = text[k];
            _ = c switch
            {
                '&' => escaped.Append("&amp;"),
                '<' => escaped.Append("&lt;"),
                '>' => escaped.Append("&gt;"),
                // A mention would call somebody.
                '@' => escaped.Append("&#64;"),
                '\n' or '\r' or '\u2028' or '\u2029' => escaped.Append(' '),
                _ when char.IsControl(c) => escaped.Append(CultureInfo.InvariantCulture, $"\\\\u{(int)c:x4}"),
                // Within a word it marks nothing, and names are full of it.
                '_' when k > 0 && k + 1 < text.Length && char.IsLetterOrDigit(text[k - 1]) && char.IsLetterOrDigit(text[k + 1]) => escaped.Append(c),
                _ when Special.Contains(c, StringComparison.Ordinal) => escaped.Append('\\').Append(c),
                _ => escaped.Append(c),
            };
        }

        return escaped.ToString();
    }

    /// <summary>A fence that nothing in <paramref name="content"/> closes.</summary>
    public static string FenceOf(string content)
    {
        int longest = 0, run = 0;
        foreach (char c in content)
            longest = Math.Max(longest, run = c == '`' ? run + 1 : 0);
        return new('`', Math.Max(3, longest + 1));
    }
}
