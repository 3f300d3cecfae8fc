using System.Globalization;
using GroupRL.Objectives;
using Xunit;
using static GroupRL.Properties.Objectives.Batches;

namespace GroupRL.Properties.Objectives;

public class BatchJsonTests
{
    private const string Completion = """{"reward":1,"logps":[-1,-2],"old_logps":[-1,-2]}""";

    private const string Header = """{"schema":"grouprl-batch/1"}""";

    private static readonly string s_document = Document(Completion);

    public static TheoryData<string> Names =>
        ["ragged 1", "ragged 2", "ragged 3", "every column", "dead", "rewards", "numbers", "empty row"];

    [Theory]
    [MemberData(nameof(Names))]
    public void Both_forms_give_the_same_batch_back_bit_for_bit(string name)
    {
        var batch = Named(name);
        RolloutBatchTests.AssertSame(batch, BatchReader.Read(BatchWriter.Write(batch)));
        RolloutBatchTests.AssertSame(batch, BatchReader.Read(string.Join('\n', BatchWriter.WriteLines(batch))));
        RolloutBatchTests.AssertSame(batch, BatchReader.Read(string.Join("\r\n", BatchWriter.WriteLines(batch)) + "\r\n"));
    }

    [Fact]
    public void A_document_and_its_lines_look_like_this()
    {
        var batch = Group(new Rollout
        {
            Rewards = [0.5, null],
            Logps = [-0.1, -2],
            OldLogps = [-0.2, -1e-7],
            Tokens = [11, 12],
            Mask = [true, false],
            GreedyReward = 1,
        });
        string group0 = Line(
            """{"rewards":[0.5,null],"logps":[-0.1,null],"old_logps":[-0.2,null],"tokens":[11,12],"mask":[1,0],"greedy_reward":1}""");
        Assert.Equal($$"""{"schema":"grouprl-batch/1","groups":[{{group0}}]}""", BatchWriter.Write(batch));
        Assert.Equal([Header, group0], BatchWriter.WriteLines(batch));
    }

    [Fact]
    public void A_pretty_printed_document_is_read()
    {
        RolloutBatchTests.AssertSame(
            BatchReader.Read(s_document),
            BatchReader.Read(s_document.Replace(",", ",\r\n  ", StringComparison.Ordinal).Replace("{", "{\n", StringComparison.Ordinal)));
    }

    [Fact]
    public void Blank_lines_between_json_lines_are_skipped() =>
        Assert.Equal(2, BatchReader.Read($"\n{Header}\n\n{Line(Completion)}\n  \r\n{Line(Completion)}\n\n").Groups);

    [Theory]
    [InlineData("null")]
    [InlineData("\"NaN\"")]
    [InlineData("1e999")]
    [InlineData("[{}]")]
    [InlineData("17")]
    public void Whatever_stands_at_a_masked_position_is_ignored(string anything)
    {
        var batch =
            BatchReader.Read(Document($$"""{"reward":1,"logps":[{{anything}},-2],"old_logps":[{{anything}},-3],"mask":[0,1]}"""));
        Assert.Equal([-2.0], batch[Column.Logp].ToArray());
        Assert.Equal([1], batch.Positions(0).ToArray());
    }

    [Theory]
    [InlineData("[true,false]")]
    [InlineData("[1,0]")]
    [InlineData("[1.0,0e0]")]
    public void A_mask_is_of_bits_or_truth_values(string mask) =>
        Assert.Equal(
            [0],
            BatchReader.Read(Document($$"""{"reward":1,"logps":[-1,-2],"old_logps":[-1,-3],"mask":{{mask}}}""")).Positions(0).ToArray());

    [Fact]
    public void A_missing_reward_is_null_in_either_field()
    {
        foreach (string field in new[] { "\"reward\":null", "\"rewards\":[null]" })
            Assert.False(
                BatchReader.Read(With(field)).TryReward(0, 0, out _));
        Assert.Equal(
            2,
            BatchReader.Read(With("\"rewards\":[1,2]")).RewardsPerRow);
    }

    public static TheoryData<string> Refused => [.. Cases().Keys];

    [Theory]
    [MemberData(nameof(Refused))]
    public void A_text_that_breaks_a_rule_is_refused_with_the_rule_the_value_and_the_place(string sentence) =>
        Assert.Equal(sentence, Refusal.Of(() => BatchReader.Read(Cases()[sentence])));

    [Fact]
    public void A_masked_token_of_unknown_id_is_shared_with_none_and_written_as_null()
    {
        const string completion = """{"reward":1,"logps":[-1,null,-1],"old_logps":[-1,null,-1],"tokens":[3,null,5],"mask":[1,0,1]}""";
        var batch = BatchReader.Read(Document($"{completion},{completion}"));

        Assert.Equal(1, batch[0].SharedPrefix());
        Assert.Contains("\"tokens\":[3,null,5]", BatchWriter.Write(batch), StringComparison.Ordinal);
        Assert.Equal(
            "groups[0].completions[0].tokens[0] must be a whole number, being a token id; got null.",
            Refusal.Of(() => BatchReader.Read(Document(completion.Replace("[3,", "[null,", StringComparison.Ordinal)))));
    }

    [Fact]
    public void Text_that_is_no_json_is_refused_with_line_and_byte()
    {
        Assert.All(["", " \n "], text => Assert.Equal("The batch is not valid JSON: it is empty.", Refusal.Of(() => BatchReader.Read(text))));
        AssertNoJson(s_document[..^3], $"line 1, byte {s_document.Length - 2}");
        AssertNoJson(With("\"reward\":NaN"), "line 1, byte 65");
        AssertNoJson(With("\"reward\":Infinity"), "line 1, byte 65");
        AssertNoJson(s_document + "x", $"line 1, byte {s_document.Length + 1}");
        AssertNoJson("{\n\"schema\": oops}", "line 2, byte 11");
        AssertNoJson($"{Header}\r\n\r\n{Line(Completion)[..^1]}\r\n", "line 3, byte");
        AssertNoJson($"{Header}\n{Line(Completion)}\n{{\"completions\":[NaN]}}", "line 3, byte 17");
        AssertNoJson(new string('[', 100_000), "line 1, byte 65");
        AssertNoJson(
            With($"\"reward\":{new string('[', 100)}"),
            "line 1, byte");
    }

    [Fact]
    public void A_repeated_field_is_refused_by_name()
    {
        Assert.StartsWith(
            "The batch is not valid JSON: Duplicate property 'reward'",
            Refusal.Of(() => BatchReader.Read(With("\"reward\":1,\"reward\":2"))),
            StringComparison.Ordinal);
        Assert.StartsWith(
            "The batch is not valid JSON at line 2: Duplicate property 'reward'",
            Refusal.Of(() => BatchReader.Read($"{Header}\n{{\"reward\":1,\"re\\u0077ard\":2}}")),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"\ud800":1}""")]
    [InlineData("""{"schema":"\udfff","groups":[]}""")]
    [InlineData("{\"schema\":\"grouprl-batch/1\"}\n{\"\\ud800\":1}")]
    public void Half_a_surrogate_pair_is_refused(string text)
    {
        // As an escape, and as the character itself, which no attribute can hold.
        const string Sentence = "The batch is not valid JSON: it contains half of a UTF-16 surrogate pair.";
        Assert.Equal(Sentence, Refusal.Of(() => BatchReader.Read(text)));
        Assert.Equal(Sentence, Refusal.Of(() => BatchReader.Read($"{text}\ud800")));
    }

    [Fact]
    public void A_long_value_is_shown_in_part()
    {
        string message = Refusal.Of(() => BatchReader.Read(With($"\"reward\":\"{new string('a', 1000)}\"")));
        Assert.Equal($"groups[0].completions[0].reward must be a finite number; got \"{new string('a', 39)}….", message);
    }

    [Fact]
    public void Numbers_and_messages_do_not_depend_on_the_culture()
    {
        var culture = CultureInfo.CurrentCulture;
        // Under invariant globalization no culture writes a decimal comma by itself, so one is made.
        var comma = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        (comma.NumberFormat.NumberDecimalSeparator, comma.NumberFormat.NegativeSign) = (",", "~");
        try
        {
            CultureInfo.CurrentCulture = comma;
            Assert.Equal("~1,5", $"{-1.5}");
            var batch = Ragged(1);
            RolloutBatchTests.AssertSame(batch, BatchReader.Read(BatchWriter.Write(batch)));
            Assert.Equal("A regulariser's β must be a finite number; got NaN.", Refusal.Of(() => new EntropyBonus(double.NaN)));
            Assert.Equal(
                "A clip range's ε_low and ε_high must be finite numbers ≥ 0; got -0.5 and 0.5.",
                Refusal.Of(() => Clip.Range(-0.5, 0.5)));
            Assert.Equal(
                "An entry of logps must not exceed 0, being a log-probability; group 0, completion 0, token 0 has 0.5.",
                Refusal.Of(() => BatchReader.Read(s_document.Replace("\"logps\":[-1", "\"logps\":[0.5", StringComparison.Ordinal))));
        }
        finally
        {
            CultureInfo.CurrentCulture = culture;
        }
    }

    internal static Dictionary<string, string> Cases()
    {
        const string Known =
            "reward, rewards, logps, old_logps, ref_logps, rollout_logps, entropies, values, sum_pi_squared, token_rewards, random, "
            + "tokens, mask, greedy_reward";
        const string Place = "groups[0].completions[0]";
        return new()
        {
            ["the batch must be a JSON object; got [1]."] = "[1]",
            ["the batch must be a JSON object; got null."] = "null",
            ["the batch needs the field \"schema\"."] = """{"groups":[]}""",
            ["the batch has the unknown field \"group\"; known are schema, groups."] =
                """{"schema":"grouprl-batch/1","group":[],"groups":[]}""",
            ["The batch's schema must be \"grouprl-batch/1\"; got \"grouprl-batch/2\"."] =
                """{"schema":"grouprl-batch/2","groups":[]}""",
            ["The field \"schema\" of the batch must be a string; got 1."] = """{"schema":1,"groups":[]}""",
            ["The field \"groups\" of the batch must be an array of groups; got {}."] =
                """{"schema":"grouprl-batch/1","groups":{}}""",
            ["groups[0] must be a JSON object; got 3."] = """{"schema":"grouprl-batch/1","groups":[3]}""",
            ["groups[0] needs the field \"completions\"."] = """{"schema":"grouprl-batch/1","groups":[{}]}""",
            ["the batch needs the field \"groups\"."] = Header,
            ["A batch needs at least 1 group; got 0."] = """{"schema":"grouprl-batch/1","groups":[]}""",
            ["A group needs at least 1 completion; group 0 has 0."] = Document(""),
            ["the header line has the unknown field \"completions\"; known are schema."] = $"{{\"completions\":[]}}\n{Line(Completion)}",
            ["the batch has the unknown field \"completions\"; known are schema, groups."] = """{"completions":[]}""",
            ["groups[1] must be a JSON object; got []."] = $"{Header}\n{Line(Completion)}\n[]",
            ["groups[0] has the unknown field \"schema\"; known are completions."] = $"{Header}\n{s_document}",
            [$"{Place} has the unknown field \"Reward\"; known are {Known}."] = With("\"Reward\":1"),
            [$"A completion needs either \"reward\" or \"rewards\"; {Place} has both."] = With("\"reward\":1,\"rewards\":[1]"),
            [$"A completion needs either \"reward\" or \"rewards\"; {Place} has neither."] = With("\"greedy_reward\":1"),
            [$"{Place}.reward must be a finite number; got 1e999."] = With("\"reward\":1e999"),
            [$"{Place}.reward must be a finite number; got \"NaN\"."] = With("\"reward\":\"NaN\""),
            [$"{Place}.rewards[1] must be a finite number; got []."] = With("\"rewards\":[1,[]]"),
            [$"{Place}.rewards must be an array; got 1."] = With("\"rewards\":1"),
            ["A completion needs at least 1 reward; group 0, completion 0 has 0."] = With("\"rewards\":[]"),
            [$"{Place}.greedy_reward must be a finite number; got null."] = With("\"reward\":1,\"greedy_reward\":null"),
            [$"{Place}.ref_logps must be an array; got null."] = With("\"reward\":1,\"ref_logps\":null"),
            [$"{Place}.ref_logps[1] must be a finite number; got -1e400."] = With("\"reward\":1,\"ref_logps\":[-1,-1e400]"),
            [$"{Place}.mask[1] must be 1 (trained on) or 0 (masked); got 2."] = With("\"reward\":1,\"mask\":[1,2]"),
            [$"{Place}.tokens[0] must be a whole number, being a token id; got 1.5."] = With("\"reward\":1,\"tokens\":[1.5,2]"),
            [$"{Place}.tokens[1] must be a whole number, being a token id; got 3000000000."] =
                With("\"reward\":1,\"tokens\":[1,3000000000]"),
            [$"A completion needs the field \"old_logps\"; {Place} lacks it."] = Document("""{"reward":1,"logps":[-1]}"""),
            ["Per-token arrays of a completion need equal lengths; in group 0, completion 0 mask has 1 where logps has 2."] =
                With("\"reward\":1,\"mask\":[0]"),
        };
    }

    private static RolloutBatch Named(string name)
    {
        double[] two = [-0.5, -0.0];
        return name switch
        {
            "every column" => Group(new Rollout
            {
                Reward = -0.0,
                Logps = two,
                OldLogps = two,
                RefLogps = two,
                RolloutLogps = two,
                Entropies = [0.1, 2],
                Values = [-1e300, 5e-324],
                SumPiSquared = [0, 1],
                TokenRewards = [1e-7, -3],
                Tokens = [int.MinValue + 1, int.MaxValue],
                GreedyReward = 1.0 / 3,
            }),
            "dead" => RolloutBatch.Of([[Dead(1), Row(2, 0.1)], [Dead(0.1)]]),
            "rewards" => Group(Row(0, 0) with { Rewards = [1, null, 3] }, Row(0, 0) with { Rewards = [null, null, -0.0] }),
            "numbers" => Group(
                Row(0.1 + 0.2, -Math.PI, -double.Epsilon), Row(double.MaxValue, -1e-300), Row(Math.BitIncrement(1), -2.0 / 3)),
            "empty row" => Group(Row(1), Row(2, 0.5)),
            _ => Ragged(int.Parse(name.Split(' ')[1], CultureInfo.InvariantCulture)),
        };
    }

    private static string Document(string completions) =>
        $$"""{"schema":"grouprl-batch/1","groups":[{"completions":[{{completions}}]}]}""";

    private static string Line(string completion) => $$"""{"completions":[{{completion}}]}""";

    private static string With(string fields) => Document(Completion.Replace("\"reward\":1", fields, StringComparison.Ordinal));

    private static void AssertNoJson(string text, string place) =>
        Assert.StartsWith(
            $"The batch is not valid JSON at {place}",
            Refusal.Of(() => BatchReader.Read(text)),
            StringComparison.Ordinal);
}
