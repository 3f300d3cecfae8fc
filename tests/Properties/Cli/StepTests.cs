using System.Text.Json;
using GroupRL.Optimizers;
using Xunit;

namespace GroupRL.Properties.Cli;

public sealed class StepTests : IDisposable
{
    private const string Head = """{"schema":"grouprl-gradients/1",""";
    private const string Vector = Head + """ "theta":[1,-2],"gradients":[[0.5,4],[0,0]]}""";
    private const string Matrix = Head + """ "theta":[[1,-2],[0.5,3],[0,0]],"gradients":[[[1,2],[3,4],[5,6]],[[0,0],[0,0],[0,0]]]}""";

    private readonly Grouprl _grouprl = new();

    public static TheoryData<string> Ids => [.. OptimizerCatalogue.All.Select(optimizer => optimizer.Id)];

    [Fact]
    public void The_table_shows_where_the_parameters_go_and_by_how_much()
    {
        var (exit, output, error) = Step("sgd", Vector);

        Assert.Equal((0, ""), (exit, error));
        Assert.Equal(
            ["sgd  θ − ηg", "ScaleByLearningRate (Eta 0.001)", "step  update          θ", "0                     1 -2", "1     -0.0005 -0.004  0.9995 -2.004", "2     0 0             0.9995 -2.004"],
            output.TrimEnd().Split('\n').Select(line => line.Trim()));
    }

    [Fact]
    public void Json_has_the_whole_way_to_the_bit()
    {
        var result = _grouprl.Json("step", "--optimizer", "adam", "--gradients", _grouprl.File("g.json", Vector));
        var walk = GroupRL.Properties.Optimizers.Trajectory.Walk(OptimizerCatalogue.Adam, [1, -2], [[0.5, 4], [0, 0]]);

        Assert.Equal("grouprl-trajectory/1", result.GetProperty("schema").GetString());
        Assert.Equal("adam", result.GetProperty("optimizer").GetString());
        Assert.Equal([1, -2], Numbers(result.GetProperty("theta")));
        var steps = result.GetProperty("steps").EnumerateArray().ToArray();
        Assert.Equal(2, steps.Length);
        for (int t = 0; t < steps.Length; t++)
        {
            Assert.Equal(walk[t].Update, Numbers(steps[t].GetProperty("update")));
            Assert.Equal(walk[t].Theta, Numbers(steps[t].GetProperty("theta")));
        }
    }

    [Fact]
    public void A_matrix_comes_back_in_its_rows()
    {
        string file = _grouprl.File("g.json", Matrix);
        var result = _grouprl.Json("step", "--optimizer", "muon", "--gradients", file);
        var walk = GroupRL.Properties.Optimizers.Trajectory.Walk(
            OptimizerCatalogue.Muon, ParameterShape.Matrix(3, 2), [1, -2, 0.5, 3, 0, 0], [[1, 2, 3, 4, 5, 6], new double[6]]);

        var last = result.GetProperty("steps")[1].GetProperty("theta").EnumerateArray().Select(Numbers).ToArray();
        Assert.Equal([2, 2, 2], last.Select(row => row.Length));
        Assert.Equal(walk[1].Theta, last.SelectMany(row => row));
        Assert.Contains("1 -2; 0.5 3; 0 0", Step("muon", Matrix).Output, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void Every_optimizer_of_the_catalogue_can_be_stepped(string id)
    {
        var (exit, output, error) = Step(id, Matrix);
        Assert.Equal((0, ""), (exit, error));
        Assert.StartsWith(id, output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("stop-after-three.json", "lion")]
    [InlineData("matrix.json", "muon")]
    public void The_examples_can_be_stepped(string file, string id)
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Verify.sln")))
            folder = folder.Parent!;
        Assert.Equal(0, _grouprl.Run("step", "--optimizer", id, "--gradients", Path.Combine(folder.FullName, "examples", "gradients", file)).Exit);
    }

    [Theory]
    [InlineData("", "not valid JSON")]
    [InlineData("[]", "the file must be an object; got []")]
    [InlineData("{}", "the file needs the field \"schema\"")]
    [InlineData("""{"schema":"grouprl-batch/1"}""", "schema must be \"grouprl-gradients/1\"; got \"grouprl-batch/1\"")]
    [InlineData(Head + """ "gradients":[[1]]}""", "the file needs the field \"theta\", an array")]
    [InlineData(Head + """ "theta":[1]}""", "the file needs the field \"gradients\", an array")]
    [InlineData(Head + """ "theta":3,"gradients":[[1]]}""", "theta must be an array; got 3")]
    [InlineData(Head + """ "theta":[],"gradients":[[]]}""", "theta needs at least 1 number; got none")]
    [InlineData(Head + """ "theta":[[]],"gradients":[[[]]]}""", "theta[0] needs at least 1 number; got none")]
    [InlineData(Head + """ "theta":[1],"gradients":[]}""", "gradients needs at least 1 gradient; got none")]
    [InlineData(Head + """ "theta":[1],"gradients":[[1]],"gradient":[]}""", "the file has the unknown field \"gradient\"; known are gradients, ")]
    [InlineData(Head + """ "theta":[1,2],"gradients":[[1,2],[1,2,3]]}""", "gradients[1] needs 2 numbers, the form of theta; got 3")]
    [InlineData(Head + """ "theta":[1,2],"gradients":[3]}""", "gradients[0] must be an array; got 3")]
    [InlineData(Head + """ "theta":[1,[2]],"gradients":[[1,2]]}""", "theta[1] must be a finite number; got [2]")]
    [InlineData(Head + """ "theta":[[1,2],[3]],"gradients":[[[1,2],[3,4]]]}""", "theta[1] needs 2 numbers, the form of theta; got 1")]
    [InlineData(Head + """ "theta":[[1,2],[3,4]],"gradients":[[[1,2]]]}""", "gradients[0] needs 2 rows, the form of theta; got 1")]
    [InlineData(Head + """ "theta":[[1,2],[3,4]],"gradients":[[[1,2],[3]]]}""", "gradients[0][1] needs 2 numbers, the form of theta; got 1")]
    [InlineData(Head + """ "theta":[1],"gradients":[["NaN"]]}""", "gradients[0][0] must be a finite number; got \"NaN\"")]
    [InlineData(Head + """ "theta":[1],"gradients":[[NaN]]}""", "not valid JSON")]
    [InlineData(Head + """ "theta":[1e999],"gradients":[[1]]}""", "theta[0] must be a finite number; got 1e999")]
    [InlineData(Head + """ "theta":[1],"theta":[1],"gradients":[[1]]}""", "not valid JSON")]
    [InlineData(Head + """ "theta":[1],"gradients":[[1],[1e200]]}""", "step 2: Adam's second moment must fit in float64; coordinate 0 has the gradient 1E+200")]
    public void A_wrong_file_is_refused_in_one_sentence(string text, string words) =>
        _grouprl.Refuses(["step", "--optimizer", "adam", "--gradients", _grouprl.File("wrong.json", text)], "wrong.json", words);

    [Fact]
    public void A_vector_is_refused_by_an_optimizer_of_matrices() => _grouprl.Refuses(
        ["step", "--optimizer", "muon", "--gradients", _grouprl.File("g.json", Vector)],
        "muon moves matrices, so theta must be an array of rows; got a vector of 2");

    [Fact]
    public void An_unknown_optimizer_is_refused_with_the_nearest_first() => _grouprl.Refuses(
        ["step", "--optimizer", "adm", "--gradients", _grouprl.File("g.json", Vector)], "There is no optimizer \"adm\"; known are adam, ");

    [Theory]
    [InlineData("step")]
    [InlineData("step", "--optimizer", "adam")]
    [InlineData("step", "--optimizer", "adam", "--gradients")]
    public void A_missing_option_is_refused(params string[] args) => _grouprl.Refuses(args, "--");

    [Fact]
    public void A_missing_file_is_named() =>
        _grouprl.Refuses(["step", "--optimizer", "adam", "--gradients", _grouprl.Path_("absent.json")], "absent.json", "no such file");

    public void Dispose() => _grouprl.Dispose();

    private (int Exit, string Output, string Error) Step(string optimizer, string text) =>
        _grouprl.Run("step", "--optimizer", optimizer, "--gradients", _grouprl.File("g.json", text));

    private static double[] Numbers(JsonElement array) => [.. array.EnumerateArray().Select(value => value.GetDouble())];
}
