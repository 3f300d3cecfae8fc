using System.Text.Json;
using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Cli;
using GroupRL.Objectives;
using Xunit;

namespace GroupRL.Properties.Cli;

/// <summary>What is printed of the ledger and beside it: the page of claims, cases in a line, tightness and maps.</summary>
public sealed class PageTests : IDisposable
{
    private readonly Grouprl _grouprl = new();

    [Fact]
    public void A_batch_in_a_line_shows_rewards_lengths_the_shared_prefix_masks_and_log_ratios_that_are_not_0()
    {
        var plain = Row([0], [-1], [-1], [5]);
        Assert.Equal("rewards 0, 1; lengths 1, 1; shared 1", CaseText.Of(RolloutBatch.Of([[plain, plain with { Reward = 1 }]])));

        var moved = Row([1, null], [-1, -0.5], [-1, -1], [5, 6]);
        var masked = Row([2, 3], [-1, -1], [-1, -1], [5, 7]) with { Mask = [true, false] };
        Assert.Equal(
            "[rewards (1 none), (2 3); lengths 2, 1 of 2; shared 1; log-ratios (0 0.5), (0)] [rewards (2 3); lengths 1 of 2; shared 2]",
            CaseText.Of(RolloutBatch.Of([[moved, masked], [masked]])));
        Assert.Equal("42", CaseText.Of(42));
    }

    [Fact]
    public void A_history_in_a_line_shows_its_first_gradients()
    {
        Assert.Equal("gradients 0.3333; θ₀ 0; a = 2^-1", CaseText.Of(new GradientHistory([0], [[1.0 / 3]], -1)));
        Assert.Equal(
            "gradients (1 2), (1 2), (1 2), (1 2), (1 2), (1 2), … 2 more; θ₀ (0 0); a = 2^3, rows of 2",
            CaseText.Of(new GradientHistory([0, 0], [.. Enumerable.Repeat<System.Collections.Immutable.ImmutableArray<double>>([1, 2], 8)], 3) { Columns = 2 }));
    }

    [Fact]
    public void Other_policies_and_the_greedy_reward_show_where_they_tell_something()
    {
        var row = Row([0], [-1], [-1], [0]) with { RefLogps = [-1.25], RolloutLogps = [-1], GreedyReward = 0.5 };
        Assert.Equal("rewards 0; lengths 1; shared 1; greedy reward 0.5; to the reference (0.25)", CaseText.Of(RolloutBatch.Of([[row]])));
    }

    [Fact]
    public void The_page_groups_refutations_by_reason_with_the_smallest_case_and_marks_what_the_theory_did_not_say()
    {
        JudgedRow[] judged =
        [
            Judged("prefix-neutrality", "grpo", Refuted("three long words")),
            Judged("prefix-neutrality", "gspo", Refuted("a word")),
            Judged("prefix-neutrality", "dapo", new() { Kind = VerdictKind.Undecided, Reason = "no time" }),
            Judged("prefix-neutrality", "opo", new() { Kind = VerdictKind.Holds, Cases = 3 }),
            Judged("prefix-neutrality", "grpo-k3", new() { Kind = VerdictKind.NotApplicable, Reason = "β = 0" }),
        ];
        string page = ClaimsPage.Print(judged);

        Assert.Contains("| `grpo`, `gspo` | needs one token weight for all rows of a group | `gspo`: a word | 0.5, must be 0 |", page, StringComparison.Ordinal);
        Assert.Contains("| `dapo` | ?! |", page, StringComparison.Ordinal);
        Assert.Contains("| `opo` | ✓! |", page, StringComparison.Ordinal);
        Assert.Contains("*Verdicts* 1 hold, 2 are refuted, 1 do not apply, 1 are undecided.", page, StringComparison.Ordinal);
        Assert.Contains("Does not apply: needs β = 0 (no regulariser that acts on-policy): `grpo-k3`.", page, StringComparison.Ordinal);
        Assert.Contains("[derivation](derivations/prefix.md#prefix-neutrality)", page, StringComparison.Ordinal);
        Assert.DoesNotContain('\r', page);
    }

    [Fact]
    public void A_page_has_a_section_for_every_claim_and_comes_out_the_same_twice()
    {
        string first = _grouprl.Run("ledger", "--markdown", "--cases", "5").Output;

        Assert.All(Ledger.Claims, claim => Assert.Contains($"\n### {claim.Id}\n", first, StringComparison.Ordinal));
        Assert.Equal(first, _grouprl.Run("ledger", "--markdown", "--cases", "5").Output);
    }

    [Fact]
    public void Tightness_as_json_has_a_row_for_every_subject_of_a_bound()
    {
        // A search of some seconds reports its progress on the other stream.
        using var document = JsonDocument.Parse(_grouprl.Run("tightness", "prefix-bias-magnitude", "--json").Output);
        var rows = document.RootElement.GetProperty("rows").EnumerateArray().ToArray();

        Assert.Equal(Ledger.Rows.Count(row => row.Claim == PrefixBias.BiasMagnitude && row.Tightness is not null), rows.Length);
        var grpo = rows.Single(row => row.GetProperty("objective").GetString() == "grpo");
        Assert.Equal(1, grpo.GetProperty("tightness").GetDouble(), 1e-9);
        Assert.True(grpo.GetProperty("constructed").GetBoolean());
        Assert.Equal("grouprl-batch/1", grpo.GetProperty("case").GetProperty("schema").GetString());
        Assert.All(rows, row => Assert.InRange(row.GetProperty("tightness").GetDouble(), 0, 1));
    }

    [Fact]
    public void The_map_of_scale_as_json_has_every_point_and_contour()
    {
        var map = _grouprl.Json("map", "adam-epsilon-identity", "--optimizer", "adagrad");

        Assert.Equal(("grouprl-map/1", "adam-epsilon-identity", "adagrad"), (map.GetProperty("schema").GetString(), map.GetProperty("claim").GetString(), map.GetProperty("optimizer").GetString()));
        Assert.Equal(28, map.GetProperty("points").GetArrayLength());
        Assert.Equal(8, map.GetProperty("contours").GetArrayLength());
        Assert.All(map.GetProperty("points").EnumerateArray(), point => Assert.Equal(point.GetProperty("predicted").GetDouble(), point.GetProperty("measured").GetDouble(), 1e-11));
        Assert.True(_grouprl.Json("map", "adam-scale-deviation", "--grid", "fine").GetProperty("points").GetArrayLength() > 200);
    }

    [Fact]
    public void The_map_of_overshoot_as_json_has_no_point_beyond_its_bound()
    {
        var map = _grouprl.Json("map", "momentum-tail", "--grid", "fine");

        Assert.Equal(9.045, map.GetProperty("limits")[0].GetProperty("tail_limit").GetDouble(), 5e-4);
        Assert.Equal(360, map.GetProperty("points").GetArrayLength());
        Assert.All(map.GetProperty("points").EnumerateArray(), point =>
            Assert.InRange(point.GetProperty("largest_ratio").GetDouble(), 1, point.GetProperty("bound").GetDouble()));
    }

    public void Dispose() => _grouprl.Dispose();

    private static JudgedRow Judged(string claim, string objective, Verdict verdict) =>
        new(Ledger.Rows.Single(row => row.Claim.Id == claim && row.Objective == objective), verdict);

    private static Verdict Refuted(string found) => new()
    {
        Kind = VerdictKind.Refuted,
        Counterexample = new(found, new(0.5, 0), "", new(1, 1, 1), 0),
    };

    private static Rollout Row(double?[] rewards, double[] logps, double[] old, int[] tokens) =>
        new() { Rewards = rewards, Logps = logps, OldLogps = old, Tokens = tokens };
}
