using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using GroupRL.Objectives;

namespace GroupRL.Trainer;

/// <summary>
/// A run's state as text, with what the run was and a digest of all of it: numbers are written so that they read back to the bit, and a text
/// that is not whole, or of another run, is refused.
/// </summary>
/// <param name="Run">The settings of the run, name by name.</param>
/// <param name="Written">How many bytes of metrics belong to it.</param>
/// <param name="State">Where the run is.</param>
public sealed record Checkpoint(IReadOnlyDictionary<string, string> Run, long Written, TrainingState State)
{
    private const string Schema = "grouprl-checkpoint/1";

    private static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>The text: a line with schema and digest, and one with the rest.</summary>
    /// <exception cref="InvalidInputException">A link of the optimizer has a state that is not known here.</exception>
    public string ToText()
    {
        try
        {
            string body = JsonSerializer.Serialize(this, s_json);
            return $"{Schema} {Digest(body)}\n{body}\n";
        }
        catch (NotSupportedException error)
        {
            throw new InvalidInputException("A run can be stored only where every link of its optimizer is one of the suite's.", error);
        }
    }

    /// <summary>Reads what <see cref="ToText"/> wrote.</summary>
    /// <exception cref="InvalidInputException">It is damaged.</exception>
    public static Checkpoint Read(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] lines = text.Split('\n');
        if (lines is not [var head, var body, ""] || head != $"{Schema} {Digest(body)}")
            throw InvalidInputException.Because($"A checkpoint is a line \"{Schema} DIGEST\" and the line that the digest is of; this is another text, or a damaged one.");
        return JsonSerializer.Deserialize<Checkpoint>(body, s_json)!;
    }

    /// <summary>Refuses a run other than <paramref name="wanted"/>.</summary>
    public void Require(IReadOnlyDictionary<string, string> wanted)
    {
        ArgumentNullException.ThrowIfNull(wanted);
        foreach (var (name, value) in wanted)
        {
            if (Run.GetValueOrDefault(name, "none") is var stored && stored != value)
                throw InvalidInputException.Because($"The stored run has {name} {stored}, not {value}: take it up with its own settings, or train elsewhere.");
        }
    }

    private static string Digest(string body) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(body)));
}
