using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Objectives;
using Xunit;
using Xunit.Abstractions;

namespace GroupRL.Properties.Claims;

/// <summary>What a class of tests is about.</summary>
public interface IFamily
{
    /// <summary>The family of its claims.</summary>
    static abstract Family Family { get; }
}

/// <summary>Every claim of a family against the catalogues. A class a family: xunit runs classes side by side, and the rows of one in turn.</summary>
public abstract class FamilyLedgerTests<T>(ITestOutputHelper output) where T : IFamily
{
    public static TheoryData<string, string, string> Rows => LedgerProfile.Names(T.Family);

    public static TheoryData<string, string, string> RefutedRows => LedgerProfile.Names(T.Family, VerdictKind.Refuted);

    [Theory]
    [MemberData(nameof(Rows))]
    public void The_verdict_is_the_one_that_the_theory_predicts(string claimId, string objectiveId, string optimizerId)
    {
        var verdict = LedgerProfile.Verify(claimId, objectiveId, optimizerId, output);

        Assert.Equal(verdict.Kind == VerdictKind.Refuted, verdict.Counterexample is not null);
    }

    [Theory]
    [MemberData(nameof(RefutedRows))]
    public void A_refutation_shrinks_to_a_case_that_fits_a_blackboard(string claimId, string objectiveId, string optimizerId)
    {
        object found = LedgerProfile.Verify(claimId, objectiveId, optimizerId, output).Counterexample!.Case;

        if (found is TinyCase tiny)
        {
            Assert.InRange(tiny.Count, 2, 4);
            Assert.InRange(tiny.Limit, 2, 3);
            return;
        }

        // Of a training a case is as long as the training; of any other kind, a line.
        if (found is not RolloutBatch batch)
            Assert.DoesNotContain('\n', found.ToString()!);
        else if (optimizerId.Length == 0)
            AssertSmall(batch);
    }

    private static void AssertSmall(RolloutBatch batch)
    {
        Assert.InRange(batch.Groups, 1, 2);
        Assert.All(Enumerable.Range(0, batch.Groups), g => Assert.InRange(batch.GroupSize(g), 2, 3));
        Assert.All(Enumerable.Range(0, batch.Rows), i => Assert.InRange(batch.FullLength(i), 1, 3));
    }
}

/// <summary>Family P.</summary>
public sealed class PrefixLedgerTests(ITestOutputHelper output) : FamilyLedgerTests<PrefixLedgerTests>(output), IFamily
{
    public static Family Family => Family.Prefix;
}

/// <summary>Family S.</summary>
public sealed class ScaleLedgerTests(ITestOutputHelper output) : FamilyLedgerTests<ScaleLedgerTests>(output), IFamily
{
    public static Family Family => Family.Scale;
}

/// <summary>Family O.</summary>
public sealed class OvershootLedgerTests(ITestOutputHelper output) : FamilyLedgerTests<OvershootLedgerTests>(output), IFamily
{
    public static Family Family => Family.Overshoot;
}

/// <summary>Family M.</summary>
public sealed class SurrogateLedgerTests(ITestOutputHelper output) : FamilyLedgerTests<SurrogateLedgerTests>(output), IFamily
{
    public static Family Family => Family.Surrogate;
}

/// <summary>The ledger itself: its ids, its profiles, what its counterexamples look like.</summary>
public class LedgerTests
{
    [Fact]
    public void Every_row_is_covered_by_a_family_above_and_named_once()
    {
        var rows = Ledger.Rows;

        Assert.Equal(rows.Length, PrefixLedgerTests.Rows.Count + ScaleLedgerTests.Rows.Count + OvershootLedgerTests.Rows.Count + SurrogateLedgerTests.Rows.Count);
        Assert.Equal(rows.Length, rows.Select(row => (row.Claim.Id, row.Objective, row.Optimizer)).Distinct().Count());
        Assert.Equal(Ledger.Claims.Length, rows.Select(row => row.Claim.Id).Distinct().Count());
    }

    [Fact]
    public void A_claim_is_found_by_its_id_alone()
    {
        Assert.All(Ledger.Claims, claim => Assert.Same(claim, Ledger.Find(claim.Id)));
        Assert.Null(Ledger.Find("prefix-neutralitY"));
    }

    [Fact]
    public void A_row_that_does_not_apply_names_the_missing_trait_in_its_expectation_and_in_its_verdict()
    {
        foreach (var row in Ledger.Rows.Where(row => row.Expected.Kind == VerdictKind.NotApplicable))
        {
            var verdict = row.Judge(Profile.Ci);
            Assert.Equal(VerdictKind.NotApplicable, verdict.Kind);
            Assert.NotEmpty(verdict.Reason);
            Assert.Equal($"needs {verdict.Reason}", row.Expected.Because);
        }

        Assert.Equal("β = 0 (no regulariser that acts on-policy)", LedgerProfile.Find("prefix-neutrality", "grpo-k3", "").Judge(Profile.Ci).Reason);
        Assert.Equal("token weights 1/length in each row", LedgerProfile.Find("prefix-bias-binary", "dr-grpo", "").Judge(Profile.Ci).Reason);
        Assert.Equal("a hard clip region", LedgerProfile.Find("clip-zero-coefficient", "cispo", "").Judge(Profile.Ci).Reason);
        Assert.Equal("an optimizer without weight decay", LedgerProfile.Find("overshoot-strict", "grpo", "adamw").Judge(Profile.Ci).Reason);
    }

    [Theory]
    [InlineData("prefix-neutrality", "grpo", "")]
    [InlineData("prefix-masked-truncation", "dr-grpo", "")]
    [InlineData("sgd-scale-equivariance", "", "adam")]
    [InlineData("overshoot-strict", "gspo", "sgd")]
    public void The_same_seed_gives_the_same_verdict_and_the_same_counterexample(string claimId, string objectiveId, string optimizerId)
    {
        Verdict first = LedgerProfile.Find(claimId, objectiveId, optimizerId).Judge(Profile.Ci);
        Verdict second = LedgerProfile.Find(claimId, objectiveId, optimizerId).Judge(Profile.Ci);

        Assert.Equal(VerdictKind.Refuted, first.Kind);
        Assert.Equal(Describe(first), Describe(second));
        Assert.Equal(first.Corners, second.Corners);
    }

    [Theory]
    [InlineData("prefix-neutrality", "grpo", "")]
    [InlineData("prefix-neutrality", "gspo", "")]
    [InlineData("prefix-masked-truncation", "rloo", "")]
    [InlineData("adam-epsilon-identity", "", "adam-l2")]
    [InlineData("sgd-scale-equivariance", "", "clip+sgd")]
    [InlineData("overshoot-strict", "grpo", "sgd")]
    public void Replaying_the_point_of_a_refutation_finds_the_same_shrunk_case(string claimId, string objectiveId, string optimizerId)
    {
        var row = LedgerProfile.Find(claimId, objectiveId, optimizerId);
        for (ulong salt = 0; salt < 10; salt++)
        {
            var verdict = row.Judge(Profile.Ci with { Salt = salt });
            var again = row.Replay(verdict.Counterexample!.Point);

            Assert.Equal(1, again.Cases);
            Assert.Equal(Describe(verdict), Describe(again));
        }
    }

    [Fact]
    public void Another_salt_moves_every_seed()
    {
        var claims = Ledger.Rows.Select(row => (row.Claim.Id, row.Subject)).ToArray();

        Assert.Equal(claims.Length, claims.Select(row => Profile.Ci.Seed(row.Id, row.Subject)).Distinct().Count());
        Assert.All(claims, row => Assert.NotEqual(Profile.Ci.Seed(row.Id, row.Subject), Profile.Deep(1).Seed(row.Id, row.Subject)));
    }

    [Fact]
    public void The_seed_is_FNV_1a_of_both_ids()
    {
        // FNV-1a, 64 bits, of "a/b" by hand: the offset basis, then xor and multiply by the prime for each of 0x61, 0x2f, 0x62.
        ulong hash = 0xcbf29ce484222325;
        foreach (byte b in (byte[])[0x61, 0x2f, 0x62])
            hash = unchecked((hash ^ b) * 0x100000001b3);

        Assert.Equal(hash, Profile.Ci.Seed("a", "b"));
    }

    [Theory]
    [InlineData("ci", 1_000, 0UL)]
    [InlineData("deep:7", 100_000, 7UL)]
    public void A_profile_is_read_by_its_name(string name, int cases, ulong salt) =>
        Assert.Equal(new Profile(cases, salt), LedgerProfile.Parse(name));

    [Theory]
    [InlineData("Ci")]
    [InlineData("quick")]
    [InlineData("deep:")]
    [InlineData("deep:-1")]
    public void An_unknown_profile_is_refused_with_a_sentence(string name)
    {
        var refusal = Assert.Throws<ArgumentException>(() => LedgerProfile.Parse(name));
        Assert.StartsWith($"GROUPRL_PROFILE must be ci, deep, or deep: and the salt of a run to repeat; got \"{name}\".", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_prediction_is_explained_with_the_case_and_the_command_that_repeats_it()
    {
        var row = LedgerProfile.Find("prefix-neutrality", "grpo", "") with { Expected = Expectation.Holds("a mistake") };
        string text = LedgerProfile.Explain(row, row.Judge(Profile.Ci));

        Assert.Contains("the theory predicts Holds (a mistake); the search of ", text, StringComparison.Ordinal);
        Assert.Contains("case (", text, StringComparison.Ordinal);
        Assert.Contains("{\"schema\":\"grouprl-batch/1\",\"groups\":[{\"completions\":[", text, StringComparison.Ordinal);
        Assert.Contains("|Σᵢ cᵢₜ|: ", text, StringComparison.Ordinal);
        Assert.Contains("why: completion 0 (length 1) weighs its token 0.5 and completion 1 (length 2) 0.25", text, StringComparison.Ordinal);
        Assert.Contains("dotnet test Verify.sln --filter 'DisplayName~claimId: %22prefix-neutrality%22%2C objectiveId: %22grpo%22%2C optimizerId: %22%22'", text, StringComparison.Ordinal);
    }

    // Why a length-normalised objective is not neutral takes two completions, one a token longer, and one of them right.
    [Fact]
    public void A_length_normalised_Dr_GRPO_is_refuted_by_two_completions_of_one_and_two_tokens_from_every_seed()
    {
        var objective = Catalogue.DrGrpo with { Weight = new RowMean() };
        for (ulong salt = 0; salt < 200; salt++)
        {
            var verdict = Prefix.Neutrality.Judge(objective, "length-normalised", Profile.Ci with { Salt = salt });
            Assert.Equal(VerdictKind.Refuted, verdict.Kind);
            var batch = (RolloutBatch)verdict.Counterexample!.Case;
            string text = $"salt {salt}: {BatchWriter.Write(batch)}";

            Assert.True(batch is { Groups: 1, Rows: 2 } && batch.FullLength(0) == 1 && batch.FullLength(1) == 2 && batch.Tokens == 3, text);
            Assert.True(batch[0].SharedPrefix() == 1, text);
            Assert.True(batch.TryReward(0, 0, out double first) && batch.TryReward(1, 0, out double second) && first + second == 1 && first * second == 0, text);
            Assert.True(batch[Column.Logp].IndexOfAnyExcept(-1) < 0 && batch[Column.OldLogp].IndexOfAnyExcept(-1) < 0, text);
            Assert.True(batch.Ids(0) is [0] && batch.Ids(1) is [0, <= 1], text);
        }
    }

    private static string Describe(Verdict verdict) =>
        $"{verdict.Kind} {verdict.Counterexample!.Measurement} {verdict.Counterexample.Why} {verdict.Counterexample.Shrinks} {verdict.Counterexample.Point} "
        + (verdict.Counterexample.Case is RolloutBatch batch ? BatchWriter.Write(batch) : verdict.Counterexample.Case);
}
