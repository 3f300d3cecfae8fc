using System.Collections.Immutable;
using GroupRL.Trainer;
using Xunit;

namespace GroupRL.EndToEnd;

/// <summary>What the tasks promise, enumerated over every completion.</summary>
public class TaskTests
{
    private const int Vocabulary = 4;

    public static TheoryData<string> Tasks => [.. VerifiableTask.Names];

    [Fact]
    public void The_first_token_of_majority_is_worth_nothing_and_ends_nothing()
    {
        var task = new MajorityTask(0.5);

        Assert.All(Completions(task), completion => Assert.All(Enumerable.Range(0, Vocabulary), first =>
        {
            int[] other = [first, .. completion.Skip(1)];
            Assert.All(Enumerable.Range(0, task.Prompts), prompt => Assert.Equal(task.Reward(prompt, completion.AsSpan()), task.Reward(prompt, other)));
            Assert.True(task.IsOver(other));
        }));
        Assert.False(task.IsOver([task.End]));
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(1.0)]
    [InlineData(-1.0)]
    [InlineData(0.01)]
    [InlineData(-0.01)]
    public void Length_and_reward_of_majority_covary_with_the_sign_of_the_knob(double bonus)
    {
        var task = new MajorityTask(bonus);
        for (int prompt = 0; prompt < task.Prompts; prompt++)
        {
            var (length, reward, product) = (0.0, 0.0, 0.0);
            foreach (var completion in Completions(task))
            {
                double probability = Math.Pow(1.0 / Vocabulary, completion.Length), own = task.Reward(prompt, completion.AsSpan());
                length += probability * completion.Length;
                reward += probability * own;
                product += probability * completion.Length * own;
            }

            double covariance = product - (length * reward);
            Assert.Equal(Math.Sign(bonus), Math.Abs(covariance) < 1e-12 ? 0 : Math.Sign(covariance));
        }
    }

    [Fact]
    public void Sums_get_harder_from_prompt_to_prompt_and_need_an_end()
    {
        var task = new SumTask();
        double[] chances = [.. Enumerable.Range(0, task.Prompts).Select(prompt => Completions(task).Sum(completion => Math.Pow(1.0 / Vocabulary, completion.Length) * task.Reward(prompt, completion.AsSpan())))];

        Assert.Equal(chances.OrderDescending(), chances);
        Assert.All(chances, chance => Assert.InRange(chance, 0.01, 0.5));
        Assert.Equal(1, task.Reward(0, [0, 1, task.End]));
        Assert.Equal(0, task.Reward(0, [0, 0, 0]));
        Assert.Equal(0, task.Reward(0, [2, 2, task.End]));
    }

    [Theory]
    [MemberData(nameof(Tasks))]
    public void The_completions_of_a_task_are_all_there_is(string name)
    {
        var task = VerifiableTask.Of(name);

        Assert.Equal(1, Completions(task).Sum(completion => Math.Pow(1.0 / Vocabulary, completion.Length)), 12);
        Assert.True(Completions(task).Select(completion => completion.Length).Distinct().Count() > 3);
    }

    /// <summary>Every completion, the first token included.</summary>
    internal static IEnumerable<ImmutableArray<int>> Completions(VerifiableTask task)
    {
        return From([]);

        IEnumerable<ImmutableArray<int>> From(ImmutableArray<int> tokens) => tokens.Length > 0 && task.IsOver(tokens.AsSpan())
            ? [tokens]
            : Enumerable.Range(0, task.Vocabulary).SelectMany(token => From(tokens.Add(token)));
    }
}
