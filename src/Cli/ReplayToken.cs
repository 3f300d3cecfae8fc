using System.Globalization;
using GroupRL.Checking;
using GroupRL.Claims;
using GroupRL.Objectives;

namespace GroupRL.Cli;

/// <summary>
/// Names one generated case of one row: <c>claim[+optimizer]@seed-gamma-size</c>, the numbers in hexadecimal. The objective is named
/// beside it, because it may be a file.
/// </summary>
internal sealed record ReplayToken(string Claim, string Optimizer, ReplayPoint Point)
{
    public static ReplayToken Of(LedgerRow row, ReplayPoint point) => new(row.Claim.Id, row.Optimizer, point);

    public override string ToString() => FormattableString.Invariant(
        $"{Claim}{(Optimizer.Length > 0 ? "+" : "")}{Optimizer}@{Point.Seed:x}-{Point.Gamma:x}-{Point.Size:x}");

    public static ReplayToken Parse(string text)
    {
        // An optimizer's id is its author's, who may write @ in it.
        int at = text.LastIndexOf('@');
        string[] names = text[..Math.Max(0, at)].Split('+', 2), numbers = at < 0 ? [] : text[(at + 1)..].Split('-');
        if (numbers.Length != 3
            || !ulong.TryParse(numbers[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong seed)
            || !ulong.TryParse(numbers[1], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong gamma)
            || !int.TryParse(numbers[2], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int size)
            || gamma % 2 == 0
            || size is < 0 or > 100)
        {
            throw InvalidInputException.Because($"A replay token has the form claim@seed-gamma-size, as a report prints it; got \"{text}\".");
        }

        return new(Proposal.KnownClaim(names[0]), names.Length == 2 ? names[1] : "", new(seed, gamma, size));
    }
}
