namespace GroupRL.Properties.Golden;

/// <summary>How far apart two correct computations of the same numbers may lie.</summary>
internal static class RoundingFloor
{
    /// <summary>
    /// For every result twice the sum over inputs of the most that an error in one input, up or down, does to it. It matters where rewards
    /// are equal: there s is rounding and the advantages are nothing else.
    /// </summary>
    /// <param name="still">The results without an error.</param>
    /// <param name="inputs">The inputs.</param>
    /// <param name="rounding">The error of each input.</param>
    /// <param name="results">What the results are where an input is another.</param>
    public static double[] Of(double[] still, double[] inputs, Func<int, double> rounding, Func<double[], double[]> results)
    {
        double[] floor = new double[still.Length];
        for (int i = 0; i < inputs.Length; i++)
        {
            double error = rounding(i);
            if (!(error > 0))
                continue;
            double[] up = results(Moved(inputs, i, error)), down = results(Moved(inputs, i, -error));
            for (int j = 0; j < floor.Length; j++)
                floor[j] += 2 * Math.Max(Math.Abs(up[j] - still[j]), Math.Abs(down[j] - still[j]));
        }

        return floor;
    }

    private static double[] Moved(double[] inputs, int i, double by)
    {
        double[] moved = [.. inputs];
        moved[i] += by;
        return moved;
    }
}
