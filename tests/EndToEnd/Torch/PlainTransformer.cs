using System.Collections.Immutable;
using GroupRL.Torch;

namespace GroupRL.EndToEnd;

/// <summary>
/// The transformer a second time, in loops over doubles, one sequence and one position at a time: what it is meant to be, with nothing of torch.
/// </summary>
internal sealed class PlainTransformer(TransformerSettings settings, double[] theta)
{
    private readonly int _width = settings.Width;
    private int _read;

    /// <summary>z of each token, shape [L][V].</summary>
    public double[][] Logits(int prompt, ImmutableArray<int> tokens)
    {
        _read = 0;
        double[][] embedding = Rows(settings.Prompts + settings.Vocabulary, _width), position = Rows(settings.Limit, _width);
        double[][] x = [.. Enumerable.Range(0, tokens.Length).Select(t => Sum(embedding[t == 0 ? prompt : settings.Prompts + tokens[t - 1]], position[t]))];
        for (int layer = 0; layer < settings.Layers; layer++)
        {
            x = Each(x, Attend(Each(Each(x, Norm()), Linear(3 * _width, _width))));
            var (norm, up, down) = (Norm(), Linear(4 * _width, _width), Linear(_width, 4 * _width));
            x = [.. x.Select(own => Sum(own, down([.. up(norm(own)).Select(Gelu)])))];
        }

        return Each(Each(x, Norm()), Linear(settings.Vocabulary, _width));
    }

    // Each position looks at itself and those before, in each head by the softmax of scaled products.
    private Func<double[], int, double[]> Attend(double[][] parts)
    {
        int head = _width / settings.Heads;
        var output = Linear(_width, _width);
        return (own, t) =>
        {
            var mixed = new double[_width];
            for (int first = 0; first < _width; first += head)
            {
                double[] scores = [.. Enumerable.Range(0, t + 1).Select(s => Enumerable.Range(first, head).Sum(k => parts[t][k] * parts[s][_width + k]) / Math.Sqrt(head))];
                double sum = scores.Sum(Math.Exp);
                for (int k = first; k < first + head; k++)
                    mixed[k] = Enumerable.Range(0, t + 1).Sum(s => Math.Exp(scores[s]) / sum * parts[s][(2 * _width) + k]);
            }

            return Sum(own, output(mixed));
        };
    }

    private Func<double[], double[]> Norm()
    {
        double[] gain = Row(_width), bias = Row(_width);
        return x =>
        {
            double mean = x.Average(), deviation = Math.Sqrt(x.Average(value => (value - mean) * (value - mean)) + 1e-5);
            return [.. x.Select((value, k) => (gain[k] * (value - mean) / deviation) + bias[k])];
        };
    }

    private Func<double[], double[]> Linear(int wide, int from)
    {
        double[][] weight = Rows(wide, from);
        double[] bias = Row(wide);
        return x => [.. weight.Select((own, k) => bias[k] + own.Zip(x, (w, value) => w * value).Sum())];
    }

    // x·Φ(x) with Φ by the series of erf, which converges everywhere and is exact enough for |x| < 5.
    private static double Gelu(double x)
    {
        double z = x / Math.Sqrt(2), term = z, sum = z;
        for (int n = 1; n < 200; n++)
        {
            term *= -z * z / n;
            sum += term / ((2 * n) + 1);
        }

        return x * 0.5 * (1 + (2 / Math.Sqrt(Math.PI) * sum));
    }

    private static double[][] Each(double[][] x, Func<double[], double[]> map) => [.. x.Select(map)];

    private static double[][] Each(double[][] x, Func<double[], int, double[]> map) => [.. x.Select(map)];

    private static double[] Sum(double[] a, double[] b) => [.. a.Zip(b, (left, right) => left + right)];

    private double[][] Rows(int rows, int columns) => [.. Enumerable.Range(0, rows).Select(_ => Row(columns))];

    private double[] Row(int columns) => theta[_read..(_read += columns)];
}
