using GroupRL.Objectives;
using GroupRL.Torch;
using TorchSharp;
using Xunit;

namespace GroupRL.EndToEnd;

/// <summary>Where a run may compute, and how it is told that it may not.</summary>
public class DevicesTests
{
    [Fact]
    public void Without_a_wish_the_device_is_cuda_where_there_is_one() =>
        Assert.Equal(torch.cuda.is_available() ? "cuda" : "cpu", Devices.Choose(null));

    [Fact]
    public void The_processor_is_always_there() => Assert.Equal("cpu", Devices.Choose("cpu"));

    [SkippableFact]
    public void Where_there_is_no_cuda_a_wish_for_it_is_refused_in_a_sentence()
    {
        Skip.If(torch.cuda.is_available(), "there is a CUDA device");

        string sentence = Assert.Throws<InvalidInputException>(() => Devices.Choose("cuda")).Message;
        Assert.Equal("The device cuda was asked for, and there is none that this build of TorchSharp can use; cpu is always there.", sentence);
        Assert.Throws<InvalidInputException>(() => new TransformerPolicy(TransformerCases.Settings with { Device = "cuda" }));
    }

    [Fact]
    public void Unknown_devices_and_dtypes_are_refused_in_a_sentence()
    {
        Assert.Equal("A device must be cuda or cpu; got tpu.", Assert.Throws<InvalidInputException>(() => Devices.Choose("tpu")).Message);
        Assert.Equal(
            "A dtype must be float64, float32 or bfloat16; got float16.",
            Assert.Throws<InvalidInputException>(() => new TransformerPolicy(TransformerCases.Settings with { Dtype = "float16" })).Message);
    }

    [Fact]
    public void A_description_names_device_dtype_and_versions() => Assert.Matches(
        @"^cpu, float64, TorchSharp \d+\.\d+\.\d+, libtorch \d+(\.\d+)+$",
        new TransformerPolicy(TransformerCases.Settings with { Device = "cpu" }).Description);
}
