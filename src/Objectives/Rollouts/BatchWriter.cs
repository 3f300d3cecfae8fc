using System.Text;
using System.Text.Json;

namespace GroupRL.Objectives;

/// <summary>
/// Writes schema <c>grouprl-batch/1</c>. Numbers are the shortest decimals that read back as the same float64; masked positions are
/// null.
/// </summary>
public static class BatchWriter
{
    /// <summary>The batch as one JSON document.</summary>
    public static string Write(RolloutBatch batch) => Text(json =>
    {
        json.WriteStartObject();
        json.WriteString("schema", BatchReader.Schema);
        json.WriteStartArray("groups");
        foreach (var group in batch.ToRollouts())
            WriteGroup(json, group);
        json.WriteEndArray();
        json.WriteEndObject();
    });

    /// <summary>The batch as JSON Lines: a header line, then one group a line.</summary>
    public static IEnumerable<string> WriteLines(RolloutBatch batch)
    {
        yield return Text(json =>
        {
            json.WriteStartObject();
            json.WriteString("schema", BatchReader.Schema);
            json.WriteEndObject();
        });
        foreach (var group in batch.ToRollouts())
            yield return Text(json => WriteGroup(json, group));
    }

    private static string Text(Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
            write(json);
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static void WriteGroup(Utf8JsonWriter json, IReadOnlyList<Rollout> group)
    {
        json.WriteStartObject();
        json.WriteStartArray("completions");
        foreach (var rollout in group)
            WriteCompletion(json, rollout);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteCompletion(Utf8JsonWriter json, Rollout rollout)
    {
        json.WriteStartObject();
        if (rollout.Rewards is [{ } only])
            json.WriteNumber("reward", only);
        else
            WriteArray(json, "rewards", rollout.Rewards);
        foreach (var column in Columns.All)
        {
            if (rollout[column] is { } values)
                WriteArray(json, column.Field(), values.Select((value, t) => rollout.Mask?[t] == false ? (double?)null : value));
        }

        if (rollout.Tokens is not null)
            WriteArray(json, "tokens", rollout.Tokens.Select(id => id == RolloutBatch.UnknownId ? null : (double?)id));
        if (rollout.Mask is not null)
            WriteArray(json, "mask", rollout.Mask.Select(trained => (double?)(trained ? 1 : 0)));
        if (rollout.GreedyReward is { } greedy)
            json.WriteNumber("greedy_reward", greedy);
        json.WriteEndObject();
    }

    private static void WriteArray(Utf8JsonWriter json, string field, IEnumerable<double?> values)
    {
        json.WriteStartArray(field);
        foreach (double? value in values)
        {
            if (value is { } number)
                json.WriteNumberValue(number);
            else
                json.WriteNullValue();
        }

        json.WriteEndArray();
    }
}
