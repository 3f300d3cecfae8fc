using GroupRL.Cli;
using GroupRL.Objectives;
using Xunit;

namespace GroupRL.Properties.Cli;

/// <summary>The numbers of an audit and of a diff, worked out by hand.</summary>
public sealed class AuditAndDiffNumbersTests : IDisposable
{
    // A = ±√½ and weights 1/(2·3), 1/(2·4); the right completion's last token has ratio e^½ and is clipped.
    private const string Clipped =
        """{"schema":"grouprl-batch/1","groups":[{"completions":[{"reward":1,"tokens":[1,2,9],"logps":[-1,-1,-1],"old_logps":[-1,-1,-1.5]},{"reward":0,"tokens":[1,2,3,4],"logps":[-1,-1,-1,-1],"old_logps":[-1,-1,-1,-1]}]}]}""";

    // The second token of both is masked, and the wrong completion is the shorter: C = √½·(1/4 − 1/2)·(1, 0).
    private const string Down =
        """{"schema":"grouprl-batch/1","groups":[{"completions":[{"reward":0,"tokens":[1,2],"mask":[true,false],"logps":[-1,-1],"old_logps":[-1,-1]},{"reward":1,"tokens":[1,2,3],"mask":[true,false,true],"logps":[-1,-1,-1],"old_logps":[-1,-1,-1]}]}]}""";

    private readonly Grouprl _grouprl = new();

    [Fact]
    public void An_audits_pushes_are_each_objectives_own_and_its_comparison_is_of_the_other_to_the_first()
    {
        var audit = _grouprl.Json("audit", "--objective", "grpo", "--against", "rloo", "--batch", _grouprl.File("b.json", Clipped));
        var shared = Assert.Single(audit.GetProperty("shared").EnumerateArray());
        Assert.All(shared.GetProperty("pushes").EnumerateArray(), c => Assert.Equal(Math.Sqrt(0.5) / 24, c.GetDouble(), 15));
        Assert.All(shared.GetProperty("sizes").EnumerateArray(), c => Assert.Equal(Math.Sqrt(0.5) * 7 / 24, c.GetDouble(), 15));
        Assert.All(shared.GetProperty("instead").EnumerateArray(), c => Assert.Equal(0, c.GetDouble()));

        // ‖grpo‖² = ½·(2/36 + 4/64) = 17/288; rloo has A = ±1 and weights ½, without a clip: 7/4.
        var instead = audit.GetProperty("instead");
        Assert.Equal(Math.Sqrt(504.0 / 17), instead.GetProperty("norm_ratio").GetDouble(), 12);
        Assert.Equal((0, 1), (instead.GetProperty("opposed").GetInt32(), instead.GetProperty("one_sided").GetInt32()));

        string output = _grouprl.Run("audit", "--objective", "grpo", "--against", "rloo", "--batch", _grouprl.Path_("b.json")).Output;
        Assert.Contains("0 (rounding)", output, StringComparison.Ordinal);
        Assert.Contains("5.44491 times the norm", output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_prefix_that_is_pushed_down_and_in_part_left_alone_is_pushed_down()
    {
        string batch = _grouprl.File("b.json", Down);
        Assert.Equal("down", _grouprl.Json("audit", "--objective", "grpo", "--batch", batch).GetProperty("shared")[0].GetProperty("direction").GetString());

        // Both the sum of C and the largest C.
        string output = _grouprl.Run("audit", "--objective", "grpo", "--batch", batch).Output;
        Assert.Equal(3, output.Split("-0.176777").Length);
    }

    [Fact]
    public void A_push_that_cancels_is_noise_where_the_advantages_are()
    {
        string batch = _grouprl.File(
            "b.json",
            """{"schema":"grouprl-batch/1","groups":[{"completions":[{"reward":0.3,"tokens":[1],"logps":[-1],"old_logps":[-1]},{"reward":0.30000000000000004,"tokens":[1],"logps":[-1],"old_logps":[-1]}]},{"completions":[{"reward":0,"tokens":[1],"logps":[-1],"old_logps":[-1]},{"reward":1,"tokens":[1],"logps":[-1],"old_logps":[-1]}]}]}""");
        var shared = _grouprl.Json("audit", "--objective", "grpo", "--batch", batch).GetProperty("shared");
        Assert.Equal(["noise", "cancels"], shared.EnumerateArray().Select(segment => segment.GetProperty("direction").GetString()!));
    }

    [Fact]
    public void Dropped_and_clipped_tokens_are_written_apart()
    {
        // π_old/π_rollout beyond 5 at one token of each: both dropped; of the others one is clipped on each side.
        string batch = _grouprl.File(
            "b.json",
            """{"schema":"grouprl-batch/1","groups":[{"completions":[{"reward":1,"logps":[-1,-1,-1],"old_logps":[-1.5,-1.5,-0.5],"rollout_logps":[-1.5,-1.5,-9]},{"reward":0,"logps":[-1,-1,-1],"old_logps":[-0.5,-1.5,-0.5],"rollout_logps":[-0.5,-9,-9]}]}]}""");
        var clipped = _grouprl.Json("audit", "--objective", "openrlhf:icepop", "--against", "grpo", "--batch", batch).GetProperty("clipped");
        Assert.Equal([3, 2, 1, 3], new[] { "tokens", "positive", "negative", "dropped" }.Select(name => clipped.GetProperty(name).GetInt32()));
    }

    [Fact]
    public void A_diff_lists_the_claims_whose_verdicts_differ_with_each_objectives_own_reason()
    {
        var claims = _grouprl.Json("diff", "grpo", "dr-grpo").GetProperty("claims").EnumerateArray();
        var neutrality = claims.Single(claim => claim.GetProperty("claim").GetString() == "prefix-neutrality");
        Assert.StartsWith("needs one token weight", neutrality.GetProperty("first_because").GetString(), StringComparison.Ordinal);
        Assert.StartsWith("Σᵢ αᵢₜAᵢ", neutrality.GetProperty("second_because").GetString(), StringComparison.Ordinal);

        // Equal rewards are recognised by the one and compare to zero in the other: both hold.
        Assert.DoesNotContain(
            _grouprl.Json("diff", "grpo", "slime:grpo").GetProperty("claims").EnumerateArray(),
            claim => claim.GetProperty("first").GetString() == claim.GetProperty("second").GetString());
    }

    [Fact]
    public void A_diffs_numbers_are_those_of_the_two_evaluations()
    {
        var diff = _grouprl.Json("diff", "grpo", "dr-grpo");
        var (one, two) = (Catalogue.Grpo.Evaluate(WorkedBatch.Build()), Catalogue.DrGrpo.Evaluate(WorkedBatch.Build()));
        Assert.Equal([one.Value, two.Value], diff.GetProperty("values").EnumerateArray().Select(value => value.GetDouble()));
        Assert.Equal(
            Math.Sqrt(two.Coefficients.Sum(c => c * c) / one.Coefficients.Sum(c => c * c)), diff.GetProperty("norm_ratio").GetDouble(), 12);
    }

    [Fact]
    public void Lengths_and_rewards_that_do_not_covary_speak_for_neither()
    {
        string batch = _grouprl.File(
            "b.json",
            """{"schema":"grouprl-batch/1","groups":[{"completions":[{"reward":0,"logps":[-1],"old_logps":[-1]},{"reward":0,"logps":[-1,-1],"old_logps":[-1,-1]},{"reward":1,"logps":[-1],"old_logps":[-1]},{"reward":1,"logps":[-1,-1],"old_logps":[-1,-1]}]}]}""");
        Assert.Contains(
            "of 1 prompts in which both vary, longer completions earn more in 0 and less in 0;",
            _grouprl.Run("audit", "--objective", "grpo", "--batch", batch).Output,
            StringComparison.Ordinal);
    }

    public void Dispose() => _grouprl.Dispose();
}
