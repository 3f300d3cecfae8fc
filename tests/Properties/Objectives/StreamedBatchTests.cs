using System.Text;
using GroupRL.Objectives;
using Xunit;
using static GroupRL.Properties.Objectives.Batches;

namespace GroupRL.Properties.Objectives;

/// <summary>A batch read group by group: the same groups, the same sentences however little is read at once, and no more read ahead than is said.</summary>
public class StreamedBatchTests
{
    private const string Header = """{"schema":"grouprl-batch/1"}""";

    private static readonly int[] s_ahead = [1, 2, 3, 7, 64, 1 << 16];

    public static TheoryData<string> Refused =>
    [
        .. BatchJsonTests.Cases().Values.Except([Document("{}")]),
        .. WellFormed.SelectMany(Cuts),
        "", " \n ", "[", "{", "{}", "nul", "1 2", "\"a", "{\"groups\":", Header + ",", Header + "\n", Header + "\n\n 7", Header + "x",
        Document("{}").Replace("},{", "}{", StringComparison.Ordinal), Document("7,"), Document("7]"), "{\"groups\":[],\"groups\":[]}",
        """{"groups":[],"schema":"grouprl-batch/1"}""", """{"groups":[],"schema":"grouprl-batch/2"}""", """{"groups":[],"group":1}""",
        """{"schema":"grouprl-batch/1","groups":[],"groups":[]}""", """{"schema":"grouprl-batch/1","schema":"grouprl-batch/1","groups":[]}""",
        """{"schema":"grouprl-batch/1","groups":[],"schema":1}""", """{"schema":"grouprl-batch/1","groups":null}""", """[{"groups":[7]}]""", """{"a":{"groups":[7]}}""",
        """{"\ud800":1}""", """{"schema":"\udfff","groups":[]}""", Header + "\n{\"\\ud800\":1}",
        new string('[', 100), Document(new string('[', 100)), Document(Group(0) + "," + Group(1).Replace("-1", "+1", StringComparison.Ordinal)),
        Document(Group(0) + "," + Group(1).Replace("\"reward\"", "\"reward\":1,\"re\\u0077ard\"", StringComparison.Ordinal)),
        Header + "\n" + Group(0) + "\n" + Group(1).Replace("-1", "1", StringComparison.Ordinal) + "\n",
        Header + "\r\n" + Group(0) + "\r\n\r\n" + Group(1)[..^1] + "\r\n",
        Document(Group(0) + "," + Group(1).Replace("[-1", "[0.5", StringComparison.Ordinal)),
        Document(Group(0) + "," + Group(1).Replace("\"reward\":1,", "\"reward\":1,\"ref_logps\":[-1,-1],", StringComparison.Ordinal)),
        Document(Group(0) + ",{\"completions\":[]}," + Group(1)),
    ];

    public static TheoryData<int> Ahead => [.. s_ahead];

    private static IEnumerable<string> WellFormed => [Document(Group(0) + ",\r\n  " + Group(1)), $"{Header}\n{Group(0)}\n{Group(1)}\n"];

    [Theory]
    [MemberData(nameof(Refused))]
    public void What_breaks_a_rule_is_refused_in_one_sentence_however_little_is_read_at_once(string text)
    {
        string sentence = Refusal.Of(() => BatchReader.Read(text));
        Assert.All(s_ahead, ahead => Assert.Equal(sentence, Refusal.Of(() => Groups(text, ahead))));
    }

    [Theory]
    [MemberData(nameof(Ahead))]
    public void Groups_are_those_of_the_batch_bit_for_bit_and_know_their_number(int ahead)
    {
        foreach (var batch in Enumerable.Range(1, 20).Select(Ragged))
        {
            foreach (string text in new[] { BatchWriter.Write(batch), string.Join('\n', BatchWriter.WriteLines(batch)), string.Join("\r\n\r\n", BatchWriter.WriteLines(batch)) + "\r\n" })
            {
                var groups = Groups(text, ahead);
                Assert.Equal(Enumerable.Range(0, batch.Groups), groups.Select(group => group.FirstGroup));
                Assert.All(groups, group => Assert.Equal(1, group.Groups));
                RolloutBatchTests.AssertSame(batch, RolloutBatch.Of([.. groups.Select(group => group.ToRollouts().Single())]));
                RolloutBatchTests.AssertSame(batch, BatchReader.Read(text));
            }
        }
    }

    [Fact]
    public void Groups_before_what_is_wrong_are_handed_out()
    {
        foreach (string text in new[] { Document($"{Group(0)},{Group(1)},7"), $"{Header}\n{Group(0)}\n{Group(1)}\n7" })
        {
            using var groups = BatchReader.ReadGroups(Bytes(text)).GetEnumerator();
            Assert.True(groups.MoveNext() && groups.MoveNext());
            Assert.Equal("groups[2] must be a JSON object; got 7.", Refusal.Of(() => groups.MoveNext()));
        }
    }

    [Fact]
    public void Another_schema_is_refused_before_its_groups()
    {
        string text = Document("7").Replace("batch/1", "batch/2", StringComparison.Ordinal);
        Assert.Equal("The batch's schema must be \"grouprl-batch/1\"; got \"grouprl-batch/2\".", Refusal.Of(() => BatchReader.Read(text)));
    }

    [Theory]
    [MemberData(nameof(Ahead))]
    public void Bytes_that_are_no_utf8_are_named_by_their_place(int ahead)
    {
        byte[] text = Encoding.UTF8.GetBytes(Document(Group(0)).Replace("completions", "complétions🙂", StringComparison.Ordinal));
        foreach (int at in new[] { 0, 5, 41, 60, text.Length - 1 })
        {
            foreach (byte[] wrong in new byte[][] { [0xFF], [0xE9, (byte)'a'], [0xC3], [0xF0, 0x9F, 0x99], [0xED, 0xA0, 0x80] })
            {
                byte[] bytes = [.. text[..at], .. wrong, .. text[at..]];
                string sentence = Refusal.Of(() => BatchReader.ReadGroups(new MemoryStream(bytes), ahead).Count());
                Assert.Equal($"The batch is not UTF-8: byte {at} begins no character.", sentence);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Ahead))]
    public void A_byte_order_mark_is_passed_over(int ahead)
    {
        foreach (string text in WellFormed)
            Assert.Equal(2, BatchReader.ReadGroups(new MemoryStream([0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes(text)]), ahead).Count());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void No_more_of_a_file_is_held_than_its_largest_group_and_what_is_read_at_once(bool lines)
    {
        const int Ahead = 1 << 10;
        var file = new GeneratedBatch(lines, groups: 1000);
        int g = 0;
        long handed = 0;
        foreach (var group in BatchReader.ReadGroups(file, Ahead))
        {
            Assert.Equal(file.Rows(g), group.Rows);
            handed = file.EndOf(g++);
            // A buffer doubles until the largest group fits, or what might be a header.
            Assert.InRange(file.Position - handed, -1, 2 * Math.Max(lines ? Ahead : BatchReader.LongestHeader, file.Longest));
        }

        Assert.Equal(1000, g);
        Assert.InRange(handed, 1_000_000, long.MaxValue);
    }

    private static RolloutBatch[] Groups(string text, int ahead) => [.. BatchReader.ReadGroups(Bytes(text), ahead)];

    private static MemoryStream Bytes(string text) => new(Encoding.UTF8.GetBytes(text));

    private static string Document(string groups) => $$"""{"schema":"grouprl-batch/1","groups":[{{groups}}]}""";

    private static string Group(int g) => $$"""{"completions":[{"reward":{{g}},"logps":[-1,-{{g}}.5],"old_logps":[-1,-2e0]},{"reward":1,"logps":[-1],"old_logps":[-1]}]}""";

    // Every beginning that ends within the second group.
    private static IEnumerable<string> Cuts(string text) => Enumerable.Range(text.LastIndexOf("completions", StringComparison.Ordinal), 30).Select(end => text[..end]);

    /// <summary>A file that is made as it is read, of groups of 1 to 40 completions.</summary>
    private sealed class GeneratedBatch(bool lines, int groups) : Stream
    {
        private readonly List<long> _ends = [];
        private byte[] _text = Encoding.UTF8.GetBytes(lines ? Header : Header[..^1] + ",\"groups\":[");
        private int _read;
        private long _position;

        public long Longest { get; private set; }

        public override long Position { get => _position; set => throw new NotSupportedException(); }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public int Rows(int g) => 1 + (g * 7919 % 40);

        public long EndOf(int g) => _ends[g];

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            if (_read == _text.Length && !Next())
                return 0;
            int count = Math.Min(buffer.Length, _text.Length - _read);
            _text.AsSpan(_read, count).CopyTo(buffer);
            (_read, _position) = (_read + count, _position + count);
            return count;
        }

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        private bool Next()
        {
            int g = _ends.Count;
            if (g > groups)
                return false;
            string text = g == groups
                ? lines ? "\n" : "]}"
                : (lines ? "\n" : g == 0 ? "" : ",") + $$"""{"completions":[{{string.Join(',', Enumerable.Repeat("""{"reward":1,"logps":[-0.123456789,-2],"old_logps":[-0.25,-0.5]}""", Rows(g)))}}]}""";
            (_text, _read) = (Encoding.UTF8.GetBytes(text), 0);
            _ends.Add(_position + _text.Length);
            Longest = Math.Max(Longest, _text.Length);
            return true;
        }
    }
}
